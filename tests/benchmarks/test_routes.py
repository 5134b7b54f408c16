"""What the benchmark of all questions asks is made of the app's routes, and is answered."""

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Engine

from benchmarks import raw
from benchmarks.routes import addresses
from collector.store.incidents import Incidents
from tests.filling import fill
from tests.pages.scene import NOW_US, ROOM_SID, SPIKE, room_of_the_story
from tests.plain_app import plain_app


async def test_every_route_is_asked_and_answers_and_so_does_the_table_of_events(empty_engine: Engine) -> None:
    life, *others = room_of_the_story()
    fill(empty_engine, [life, *others], now_us=NOW_US)
    Incidents(empty_engine).keep([SPIKE], NOW_US)
    app = plain_app(empty_engine, NOW_US)
    examples = {
        "session_id": str(life.session_id),
        "room_sid": ROOM_SID,
        "incident_id": f"{SPIKE.fingerprint}-{SPIKE.started_at_us}",
        "code": "53000",
        "number": "1",
    }
    of = addresses(app, examples)
    assert (
        of.items()
        >= {
            "/": "/",
            "/rooms/{room_sid}": f"/rooms/{ROOM_SID}",
            "/search": f"/search?q={ROOM_SID}",
            "/api/v1/sessions": "/api/v1/sessions?since=-24h",
            "/api/v1/breakdowns/affected": "/api/v1/breakdowns/affected?since=-24h&by=region",
            "/api/v1/codes/{code}": "/api/v1/codes/53000",
        }.items()
    )
    assert [path for path in of if path.startswith(("/fragments", "/healthz", "/static"))] == []
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as api:
        answers = {name: (await api.get(address)).status_code for name, address in of.items() if "packet" not in name}
    assert set(answers.values()) <= {200, 303}
    assert of.keys() >= raw.STATEMENTS.keys()
    for name, statement in raw.STATEMENTS.items():
        assert len(raw.timed(empty_engine, statement(0, examples), 2)) == 2, name


def test_a_path_that_no_example_fits_is_told(empty_engine: Engine) -> None:
    app = plain_app(empty_engine, NOW_US)
    with pytest.raises(KeyError, match="room_sid"):
        addresses(app, {"session_id": "1", "incident_id": "1", "code": "1"})
