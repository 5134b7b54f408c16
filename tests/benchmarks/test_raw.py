"""What questions are compared with is right: the table of events alone says what the API does, as far as it says it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Engine

from benchmarks import raw
from benchmarks.routes import addresses
from collector.store.engine import make_engine, migrate
from tests.filling import fill
from tests.pages.scene import NOW_US, ROOM_SID, room_of_the_story, session_of
from tests.plain_app import plain_app

DAY_US: Final = 86_400_000_000
BEN: Final = next(life.session_id for life in room_of_the_story() if life.identity == "ben")
EXAMPLES: Final = {
    "session_id": str(BEN),
    "room_sid": ROOM_SID,
    "incident_id": "0-0",
    "code": "53000",
    "number": "1",
}
OPEN: Final = str(session_of("emre")), str(session_of("fatima"))
"""How far an outage is that nothing closed only heartbeats tell, which are no events that are kept."""


class Same(NamedTuple):
    """What the rows of the statement and the answer of the API both say."""

    rows: Callable[[Sequence[Any]], Any]
    answer: Callable[[Any], Any]


def _summed(pairs: Iterator[tuple[Any, int]]) -> dict[Any, int]:
    found: Counter[Any] = Counter()
    for key, count in pairs:
        found[key] += count
    return dict(found)


def _median(rows: Sequence[Any]) -> int:
    took = [ms for ms, count in rows for _ in range(count)]
    return int(took[(len(took) + 1) // 2 - 1])


def _outcome(kind: str, origin: str | None) -> str:
    return "recovered" if kind == "room.reconnected" else "abandoned" if origin == "local" else "failed"


SAME: Final = {
    "/api/v1/breakdowns/failure-codes": Same(
        lambda rows: {(region, code): n for region, code, n in rows},
        lambda told: {(one["value"], one["error"]["code"]): one["count"] for one in told["items"]},
    ),
    "/api/v1/breakdowns/affected": Same(
        lambda rows: [(region, lost, back) for region, _, lost, back, _ in rows],
        lambda told: [(one["value"], one["outages"], one["recovered"]) for one in told["items"]],
    ),
    "/api/v1/breakdowns/fates": Same(
        lambda rows: _summed(("dropped" if code else "abandoned", n) for *_, code, n in rows),
        lambda told: {one["word"]: one["count"] for one in told["items"] if one["word"] != "lost"},
    ),
    "/api/v1/breakdowns/outcomes": Same(
        lambda rows: _summed((_outcome(kind, origin), n) for kind, origin, _, n in rows),
        lambda told: {one["word"]: one["count"] for one in told["items"] if one["word"] != "lost"},
    ),
    "/api/v1/breakdowns/time-to-reconnect": Same(
        lambda rows: (sum(n for _, n in rows), _median(rows)), lambda told: (told["recovered"], told["p50_ms"])
    ),
    "/api/v1/completeness": Same(
        lambda rows: tuple(map(int, rows[0])),
        lambda told: tuple(told["completeness"][name] for name in ("sessions", "events_received", "events_expected")),
    ),
    "/api/v1/kpis": Same(
        lambda rows: _summed((kind, n) for kind, _, _, n, *_ in rows)["room.reconnected"],
        lambda told: told["kpis"]["reconnect_success_strict"]["numerator"],
    ),
    "/api/v1/outages": Same(
        lambda rows: [
            (str(its), number, ms, attempts, code)
            for its, number, _, ms, attempts, code in rows
            if str(its) not in OPEN
        ],
        lambda told: [
            (one["session_id"], one["number"], one["downtime_ms"], one["attempts"], _code(one))
            for one in told["items"]
            if one["session_id"] not in OPEN
        ],
    ),
    "/api/v1/outages/{session_id}/{number}": Same(
        lambda rows: [(ms, attempts) for _, ms, attempts in rows],
        lambda told: [(told["outage"]["downtime_ms"], told["outage"]["attempts"])],
    ),
    "/api/v1/releases": Same(
        # One session was lost, and told no end.
        lambda rows: _summed((version, n) for version, _, _, n in rows),
        lambda told: {one["value"]: one["sessions"] - 1 for one in told["items"]},
    ),
    "/api/v1/rooms": Same(
        lambda rows: [(sid, sessions, lost) for sid, _, sessions, lost in rows],
        lambda told: [(one["room_sid"], one["sessions"], one["outages"]) for one in told["items"]],
    ),
    "/api/v1/rooms/{room_sid}": Same(
        lambda rows: [tuple(rows[0])[1:]], lambda told: [(told["room"]["sessions"], told["room"]["outages"])]
    ),
    "/api/v1/rooms/{room_sid}/timeline": Same(
        lambda rows: len({row.session_id for row in rows}),
        lambda told: sum(len(lane["sessions"]) for lane in told["participants"]),
    ),
    "/api/v1/sessions": Same(
        lambda rows: [str(its) for its, *_ in rows], lambda told: [one["session_id"] for one in told["items"]]
    ),
    "/api/v1/sessions/{session_id}": Same(
        lambda rows: [(row.seq, row.type) for row in rows],
        lambda told: [(one["seq"], one["type"]) for one in told["events"]],
    ),
    "/api/v1/sessions/{session_id}/events": Same(
        lambda rows: [(row.seq, row.type) for row in rows],
        lambda told: [(one["seq"], one["type"]) for one in told["items"]],
    ),
    "/api/v1/sessions/{session_id}/outages": Same(
        lambda rows: [(number, ms, attempts) for number, _, ms, attempts in rows],
        lambda told: [(one["number"], one["downtime_ms"], one["attempts"]) for one in told["items"]],
    ),
}


def _code(outage: Any) -> int | None:
    error = outage["ending"] and outage["ending"]["error"]
    return error and int(error["code"])


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The room of the story in one of each store in turn."""
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    engine = make_engine(url)
    if request.param == "sqlite":
        migrate(engine)
    fill(engine, room_of_the_story(), now_us=NOW_US)
    yield engine
    engine.dispose()


async def test_raw_events_say_the_same_as_the_answer_that_they_are_held_against(engine: Engine) -> None:
    app = plain_app(engine, NOW_US)
    of = addresses(app, EXAMPLES)
    found = {}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as api:
        for name, same in SAME.items():
            with engine.connect() as connection:
                rows = connection.execute(raw.STATEMENTS[name](NOW_US - DAY_US, EXAMPLES)).all()
            found[name] = (same.rows(rows), same.answer((await api.get(of[name])).json()))
    assert {name: pair for name, pair in found.items() if pair[0] != pair[1]} == {}
    assert all(pair[0] for pair in found.values())
    assert SAME.keys() == raw.STATEMENTS.keys()
