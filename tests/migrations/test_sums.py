"""What is added to a store that was written before: the same as if it had been written with it."""

from alembic import command
from sqlalchemy import Engine

from collector.store.engine import migrate
from collector.store.schema_version import migrations_config
from collector.store.sqlite_connection import writing
from tests.contract.stored import Stored
from tests.filling import fill
from tests.histories import START_US, YEAR_US, Life, fleet, session_id

BEFORE = "2026_11_29_odd_sessions"


def test_sums_and_times_are_made_of_what_the_store_holds(migrated: Engine) -> None:
    fill(migrated, [*_with_gaps(), *_of_wrong_clocks(), _short_of_its_beginning()], now_us=START_US + YEAR_US)
    store = Stored(migrated)
    written = store.everything()
    assert {key[2] for key, sums in store.rollups.items() if any(sums[3:])} == {"joined", "outage_ended", "ended"}
    assert {key[5] for key in store.rollups if key[2] == "outage"} > {"recovered", "failed", "abandoned"}
    config = migrations_config()
    with migrated.connect() as connection:
        config.attributes["connection"] = writing(connection)
        command.downgrade(config, BEFORE)
    assert migrate(migrated).found == BEFORE
    assert store.everything() == written


def _with_gaps() -> list[Life]:
    lives = fleet(60)
    for life in lives[::2]:
        del life.sent[1:2]
    return lives


def _of_wrong_clocks() -> list[Life]:
    lives = []
    for number, skew_us in enumerate((YEAR_US, -YEAR_US), start=1_000):
        life = Life(session_id(number, START_US + skew_us), skew_us=skew_us).connecting().later(300).connected(90_000)
        life.later(9_000).reconnecting().later(500).attempted().reconnected().later(9_000).reconnecting().later(900)
        lives.append(life.disconnected(53002))
    return lives


def _short_of_its_beginning() -> Life:
    life = Life(session_id(2_000)).connecting().later(300).connected().later(9_000).disconnected(reason="leave")
    del life.sent[0]
    return life
