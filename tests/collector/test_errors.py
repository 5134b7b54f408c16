"""The tree of errors: a promise to callers, and one line for people."""

import re
from uuid import UUID

import pytest

from collector import errors
from collector.errors import (
    AddressTaken,
    BadFilter,
    CollectorError,
    ConfigError,
    Fenced,
    OffsetBeyondEnd,
    RowRefused,
    SchemaMismatch,
    StaleSession,
    StoreUnavailable,
    tree,
)

SESSION = UUID("019ab7d2-0000-7000-8000-000000000001")


def test_every_code_is_given_once_and_says_what_to_do() -> None:
    classes = list(tree())
    codes = [error.code for error in classes]
    assert sorted(codes) == sorted(set(codes))
    assert [error.__name__ for error in classes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)] == []
    assert [error.__name__ for error in classes if "remedy" not in vars(error) or not error.__doc__] == []


def test_the_modules_docstring_draws_the_tree_as_it_is() -> None:
    drawn = re.findall(r"^[ │├└─]+([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(error.__name__ for error in tree())


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigError("http_port", "is no port", value="x", source="FILE"), "http_port = 'x': is no port (from FILE)"),
        (ConfigError("kafka_password", "is needed"), "kafka_password: is needed"),
        (
            SchemaMismatch(None, "v2", "roomwatch migrate"),
            "the store has no tables yet, this collector needs v2; run: roomwatch migrate",
        ),
        (
            AddressTaken("127.0.0.1", 80, "in use"),
            "http_port: cannot listen on 127.0.0.1:80 (in use); stop what listens there, or choose another http_port",
        ),
        (Fenced([3, 1]), "another collector moved partitions 1, 3"),
        (Fenced(range(9)), "another collector moved 9 partitions"),
        (StaleSession([SESSION]), f"another writer changed session {SESSION}"),
        (RowRefused([SESSION], "no"), f"the store refused rows of session {SESSION} (store-refused): 'no'"),
        (BadFilter("limit", "x" * 500, "too long"), f"limit = '{'x' * 117}...': too long"),
        (StoreUnavailable("a\n  b"), "the store is away: a b; the same batch will be tried again"),
        (
            OffsetBeyondEnd("t", 0, 9, 4),
            (
                "partition 0 of topic t ends at offset 4, the store has read up to 9; was the topic made anew? "
                "To read it from its start, use another kafka_group"
            ),
        ),
    ],
    ids=lambda value: value.code if isinstance(value, CollectorError) else "",
)
def test_an_error_is_one_line_that_says_what_where_and_what_to_do(error: CollectorError, text: str) -> None:
    assert str(error) == text
