"""`roomwatch erase` as people meet it, with an archive beside the store."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from collector.archive import Archive
from collector.store.engine import make_engine, migrate
from tests.contract.test_store_erasure import MINE, both
from tests.filling import fill
from tests.pages.scene import NOW_US
from tests.stage import roomwatch

DAY = date(2025, 11, 24)


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/store.db"
    engine = make_engine(made)
    migrate(engine)
    fill(engine, both(), now_us=NOW_US)
    Archive(tmp_path / "archive").write(engine, DAY, lambda _done, _of: None)
    engine.dispose()
    return made


def test_it_says_what_it_would_do_then_does_it_and_says_what_is_left(url: str, tmp_path: Path) -> None:
    ask = ("erase", "--participant", "ana")
    first = roomwatch(*ask, database_url=url)
    archive = str(tmp_path / "archive")
    second = roomwatch(*ask, "--apply", "--archive", archive, database_url=url)
    third = roomwatch(*ask, database_url=url)
    assert [one.returncode for one in (first, second, third)] == [0, 1, 0]
    assert first.stdout.splitlines()[1:] == [
        "  sessions                  1  identity and participant SID would be removed",
        "  events                    4  participant SID and words of servers would be removed",
        "  events of others          1  the SID that they are about would be removed",
        "  dead letters              0  would be deleted",
        "nothing was changed; --apply does it",
    ]
    assert second.stdout.splitlines()[1:6] == [
        "  sessions                  1  identity and participant SID removed",
        "  events                    4  participant SID and words of servers removed",
        "  events of others          1  the SID that they are about removed",
        "  dead letters              0  deleted",
        f"{DAY}: {archive}/v1/day={DAY} names them; remove that directory, then `roomwatch archive {archive}`",
    ]
    assert "The topic still has their events" in second.stdout
    assert third.stdout.splitlines()[1].split()[:2] == ["sessions", "0"]
    # Its write-ahead log and free pages included.
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("store.db*"))
    assert MINE.encode() not in kept
    assert b"ben" in kept


def test_an_archive_names_who_is_in_sessions_or_told_of_in_events(url: str, tmp_path: Path) -> None:
    del url
    archive = Archive(tmp_path / "archive")
    told_of_alone = "PA" + "c" * 32
    found = [archive.naming({name}) for name in ("ana", MINE, told_of_alone, "an", "zoe")]
    assert found == [[DAY], [DAY], [DAY], [], []]
