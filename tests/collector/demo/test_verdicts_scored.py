"""Verdicts on the demo's fleets, whose truth is known: what the plan did to a session against what the verdict says."""

import re
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Final

import pytest

from collector.demo.history import Story, plans, story
from collector.demo.life import Plan, Trouble, play
from collector.demo.population import BAD_RELEASE
from collector.ingest.decode import Record
from collector.ingest.partitions import Holder
from collector.store.engine import make_engine, migrate
from collector.store.reader import Reader
from collector.store.writer import Writer
from collector.verdict import verdict_of
from session_core import wire
from session_core.events import Event
from session_core.instants import utc_from_us
from session_core.policy import ReconnectPolicy
from tests.dashboards.rule_files import ROOT

NOW_US: Final = 1_795_480_000_000_000
SEEDS: Final = (1, 2)
PAGE: Final = (ROOT / "docs" / "verdicts.md").read_text()

# What was done to a session, and the verdicts that are right.
RIGHT: Final[dict[str, frozenset[str]]] = {
    "left": frozenset({"left", "left-after-trouble"}),
    "room ended": frozenset({"room-ended"}),
    "token expired": frozenset({"token-expired"}),
    "token refused": frozenset({"token-refused"}),
    "room full": frozenset({"room-full"}),
    "server busy": frozenset({"server-busy"}),
    "join failed alone": frozenset({"join-failed"}),
    "region away": frozenset({"region"}),
    "bad release": frozenset({"release"}),
    "own network": frozenset({"own-network"}),
}
_JOINS: Final = {20101: "token refused", 53105: "room full", 53006: "server busy"}

Lived = tuple[Plan, list[Event]]


def what_was_done(told: Story, plan: Plan, events: list[Event]) -> str:
    """The truth of a session, by its plan."""
    last = events[-1]
    in_region = plan.client.region == told.region
    if last.type == "room.connect_failed":
        if plan.join_code == 0 and in_region and told.outage.holds(plan.joins_us):
            return "region away"
        return _JOINS.get(plan.join_code or 0, "join failed alone")
    if last.error is not None and last.error.code == 53118:
        return "room ended"
    if last.error is None and last.from_state != "reconnecting":
        return "left"
    trouble: Trouble = max((one for one in plan.troubles if one.at_us <= last.at.utc_us), key=lambda one: one.at_us)
    if trouble.kind == "verdict":
        return "token expired"
    if in_region and trouble.ends_us == told.outage.to_us:
        return "region away"
    bad = trouble.kind == "media" and plan.client.app_version == BAD_RELEASE
    return "bad release" if bad else "own network"


def log_of(lives: list[Lived]) -> Iterator[Record]:
    told = sorted(
        (
            (event.at.utc_us, str(plan.session.session_id).encode(), wire.message(event, seq))
            for plan, events in lives
            for seq, event in enumerate(events)
        ),
        key=lambda one: one[0],
    )
    for offset, (at_us, key, message) in enumerate(told):
        yield Record(0, offset, at_us + 20_000, key, wire.encode(message, utc_from_us(at_us)))


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Counter[tuple[str, str]]:
    """How often what was done to a session had which verdict."""
    found: Counter[tuple[str, str]] = Counter()
    for seed in SEEDS:
        told, rng = story(NOW_US), Random(seed)
        lives = [(plan, list(play(plan, ReconnectPolicy.documented(), rng))) for plan in plans(told, rng)]
        engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('scored')}/store.db")
        migrate(engine)
        writer = Writer(engine, "cluster", "topic", "group")
        holder = Holder("topic", writer.load)
        holder.assign({0: 0})
        writer.write(holder.take(list(log_of(lives)), NOW_US).changes, NOW_US)
        reader = Reader(engine)
        for number, (plan, events) in enumerate(lives):
            truth = what_was_done(told, plan, events)
            if truth not in {"left", "room ended"} or number % 10 == 0:
                verdict = verdict_of(reader.case(plan.session.session_id, now_us=NOW_US))
                found[truth, verdict.rule] += 1
        engine.dispose()
    return found


def test_at_least_95_of_100_sessions_that_ended_badly_get_the_right_verdict(scored: Counter[tuple[str, str]]) -> None:
    badly = {pair: n for pair, n in scored.items() if pair[0] not in {"left", "room ended"}}
    right = sum(n for (truth, rule), n in badly.items() if rule in RIGHT[truth])
    assert {truth for truth, _ in scored} == RIGHT.keys()
    assert sum(badly.values()) > 200
    assert right >= 0.95 * sum(badly.values())


def test_no_session_that_ended_well_is_blamed_on_anything(scored: Counter[tuple[str, str]]) -> None:
    well = {pair: n for pair, n in scored.items() if pair[0] in {"left", "room ended"}}
    assert sum(well.values()) > 200
    assert {rule for _, rule in well} <= RIGHT["left"] | RIGHT["room ended"]


def test_the_page_shows_the_matrix(scored: Counter[tuple[str, str]]) -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| `([a-z-]+)` \| (\d+) \|$", PAGE, re.MULTILINE)
    assert {(truth, rule): int(n) for truth, rule, n in rows} == dict(scored)
