"""The traces of the real SDK over the whole path: room, outbox, publisher, Apache Kafka, collector, store, HTTP API.

What the API answers is what the traces say, to the last digit, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx
import pytest

from collector.ingest.connection import dead_letters_topic
from collector.store.engine import make_engine, migrate
from session_core.clock import SystemClock
from session_core.errors import SIGNALING_CONNECTION, EndsAs
from session_core.events import PUBLISHED_TYPES, SEQLESS_TYPES, Event, Moment
from session_core.kafka import KafkaSink
from session_core.outbox import Counts
from session_core.policy import ATTEMPTS_MAX, ReconnectPolicy
from session_core.publisher import Publisher
from tests.real_input.answers import Answer, answered, expected
from tests.real_input.collecting import collecting
from tests.real_input.player import Player
from tests.real_input.traces import SCENARIOS
from tests.servers.kafka import Kafka
from tests.waiting import eventually

PARTITIONS: Final = 3
AGO_US: Final = 60_000_000
"""The traces begin a minute ago, so that the longest of them is over by now."""


class Played(NamedTuple):
    """What went in at one end, and the other end."""

    players: list[Player]
    base: Moment
    api: httpx.AsyncClient


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh store at the newest schema, one of each kind in turn."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    url = f"sqlite:///{tmp_path}/store.db"
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture
async def played(kafka: Kafka, make_topic: Callable[..., str], group: str, database_url: str) -> AsyncIterator[Played]:
    """Every trace with the SDK's policy, and those with twelve refusals with the documented one, all at once."""
    base = whole_ms(SystemClock().now().later(-AGO_US))
    topic = make_topic(PARTITIONS)
    kafka.create_topic(dead_letters_topic(topic))
    players = all_players(base)
    async with collecting(kafka.bootstrap, topic, group, database_url) as api:
        await publish([event for player in players for event in player.play()], kafka.bootstrap, topic)
        await eventually(lambda: has_all(api, players), within_s=30, every_s=0.1)
        yield Played(players, base, api)


def whole_ms(at: Moment) -> Moment:
    """So that a duration, which is told in whole milliseconds, loses nothing by it."""
    return Moment(at.utc_us // 1000 * 1000, at.steady_us // 1000 * 1000)


def all_players(base: Moment) -> list[Player]:
    sdk, documented = ReconnectPolicy.twilio_js(), ReconnectPolicy.documented()
    refused = [scenario for scenario in SCENARIOS if len(scenario.refused()) >= ATTEMPTS_MAX]
    roles = [(scenario, sdk) for scenario in SCENARIOS] + [(scenario, documented) for scenario in refused]
    return [Player(scenario, base, policy, session_id(base, n)) for n, (scenario, policy) in enumerate(roles)]


def session_id(base: Moment, number: int) -> UUID:
    """A UUID of version 7 that began at the base."""
    return UUID(int=(base.utc_us // 1000 << 80) | (7 << 76) | (2 << 62) | number)


async def publish(events: Sequence[Event], bootstrap: str, topic: str) -> None:
    """In the order in which it happened, all rooms mixed."""
    async with Publisher(KafkaSink(bootstrap, topic)) as publisher:
        for event in sorted(events, key=lambda event: event.at.steady_us):
            publisher.publish(event)
        assert await publisher.flush(within_s=30)
    assert publisher.counts._replace(published=0, replaced=0) == Counts()


async def has_all(api: httpx.AsyncClient, players: Sequence[Player]) -> bool:
    """Whether the collector has stored every event that takes a number."""
    stories = [await ask(api, f"/api/v1/sessions/{player.session_id}") for player in players]
    return [story["session"]["events_received"] for story in stories] == [numbered(player) for player in players]


def numbered(player: Player) -> int:
    return sum(event.type in PUBLISHED_TYPES - SEQLESS_TYPES for event in player.events)


async def ask(api: httpx.AsyncClient, path: str, **query: str) -> dict[str, Any]:
    answer = await api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def answer_of(played: Played, player: Player) -> Answer:
    story = await ask(played.api, f"/api/v1/sessions/{player.session_id}")
    room = await ask(played.api, f"/api/v1/rooms/{player.room_sid}/timeline")
    assert (story["completeness"]["share"], room["completeness"]["share"]) == (1.0, 1.0)
    identities = {someone["sid"]: someone["identity"] for someone in player.traced.initial_participants}
    return answered(story, room, identities, played.base.utc)


async def test_the_api_answers_what_the_traces_of_the_real_sdk_say(played: Played) -> None:
    like_the_sdk = [player for player in played.players if player.room.policy == ReconnectPolicy.twilio_js()]
    answers = {player.scenario.id: await answer_of(played, player) for player in like_the_sdk}
    assert answers == {scenario.id: expected(scenario) for scenario in SCENARIOS}


async def test_the_api_answers_that_a_documented_room_gave_up_with_53000_after_twelve_refusals(played: Played) -> None:
    (player,) = [player for player in played.players if player.room.policy == ReconnectPolicy.documented()]
    answer, sdk = await answer_of(played, player), expected(player.traced)
    (outage,), (same,) = answer.outages, sdk.outages
    end_ms = player.said()[-1].ms
    assert answer[:4] == (sdk.state, sdk.fate, SIGNALING_CONNECTION, end_ms)
    assert outage == same._replace(
        code=SIGNALING_CONNECTION,
        ended_ms=end_ms,
        downtime_ms=int(end_ms),
        signaling_down_ms=int(end_ms),
        attempts=ATTEMPTS_MAX,
    )


async def test_the_api_counts_the_codes_that_rooms_were_dropped_with(played: Played) -> None:
    answers = [await answer_of(played, player) for player in played.players]
    dropped = Counter(answer.code for answer in answers if answer.fate == EndsAs.DROPPED)
    breakdown = await ask(played.api, "/api/v1/breakdowns/failure-codes", since="-10m")
    assert {item["error"]["code"]: item["count"] for item in breakdown["items"]} == dropped
    assert {item["phase"] for item in breakdown["items"]} == {"session"}


async def test_the_key_figures_are_those_of_the_traces(played: Played) -> None:
    """The documented room differs from the SDK's in the code and the time of its end, which are not in these."""
    told = [expected(player.traced) for player in played.players]
    outages = [outage for answer in told for outage in answer.outages]
    became = Counter(outage.outcome for outage in outages)
    recovered = [outage for outage in outages if outage.outcome == "recovered"]
    kpis = await ask(played.api, "/api/v1/kpis", since="-10m")
    figures = {name: (kpi["numerator"], kpi["denominator"]) for name, kpi in kpis["kpis"].items()}
    assert figures["join_success"] == (len(told), len(told))
    assert figures["drop_rate"] == (sum(answer.fate in {"dropped", "abandoned"} for answer in told), len(told))
    assert figures["sessions_affected"] == (sum(bool(answer.outages) for answer in told), len(told))
    assert figures["reconnect_success_strict"] == (became["recovered"], len(outages))
    assert figures["abandonment"] == (became["abandoned"], len(outages))
    assert figures["attempts_per_outage"] == (sum(outage.attempts for outage in outages), len(outages))
    assert (kpis["completeness"]["share"], kpis["completeness"]["dead_letters"]) == (1.0, 0)
    slowest = kpis["distributions"]["time_to_reconnect"]
    assert (slowest["count"], slowest["p99"]) == (len(recovered), max(outage.downtime_ms for outage in recovered))
