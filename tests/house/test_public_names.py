"""The public surface is a list, and the list is true."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import session_core


def test_session_core_lists_its_public_names_in_order_and_has_them_all() -> None:
    names = list(session_core.__all__)
    assert names == sorted(names, key=str.casefold)
    assert [name for name in names if not hasattr(session_core, name)] == []


def test_every_public_name_says_what_it_means() -> None:
    undocumented = [
        name
        for name in session_core.__all__
        if (callable(obj := getattr(session_core, name)) and not (obj.__doc__ or "").strip())
    ]
    assert undocumented == []


def test_importing_the_session_core_brings_msgspec_and_nothing_else_from_outside() -> None:
    """An application that embeds the core pays for what it uses: aiokafka comes with the Kafka sink."""
    program = (
        "import sys; before = set(sys.modules); from session_core import *; "
        "new = {m.split('.')[0] for m in set(sys.modules) - before}; "
        "print(sorted(new - sys.stdlib_module_names - {'session_core'}))"
    )
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    # msgspec loads typing_extensions where it happens to be installed, and needs it nowhere.
    assert set(ast.literal_eval(out)) - {"_msgspec", "typing_extensions"} == {"msgspec"}


def test_who_drives_a_room_loads_no_outbox_and_whoever_names_it_does() -> None:
    program = (
        "import sys; before = set(sys.modules); from session_core import {}; "
        "print(sorted({{'session_core.outbox', 'session_core.publisher', 'session_core.wire', 'sqlite3', 'hashlib', "
        "'pathlib', 'jwt'}} & (set(sys.modules) - before)))"
    )
    loaded = {
        names: subprocess.run(
            [sys.executable, "-c", program.format(names)], check=True, capture_output=True, text=True
        ).stdout.strip()
        for names in ("connect, ReconnectPolicy, Room", "Publisher")
    }
    assert loaded == {
        "connect, ReconnectPolicy, Room": "[]",
        "Publisher": "['session_core.outbox', 'session_core.publisher', 'session_core.wire']",
    }


def test_a_type_checker_finds_every_public_name_where_an_interpreter_does() -> None:
    tree = ast.parse(Path(session_core.__file__).read_text())
    told = {
        alias.name: line.module
        for line in ast.walk(tree)
        if isinstance(line, ast.ImportFrom) and (line.module or "").startswith("session_core.")
        for alias in line.names
    }
    assert set(told) == set(session_core.__all__)
    assert [name for name, home in told.items() if getattr(import_module(home or ""), name) is not named(name)] == []


def named(name: str) -> object:
    return getattr(session_core, name)


def test_the_session_core_says_what_it_has_before_it_is_asked_for_it_and_what_it_has_not() -> None:
    assert set(session_core.__all__) <= set(dir(session_core))
    with pytest.raises(AttributeError, match="module 'session_core' has no attribute 'Telephone'"):
        named("Telephone")
    assert not hasattr(session_core, "Telephone")


def test_importing_the_command_line_connects_to_nothing_and_loads_no_client() -> None:
    program = (
        "import sys; import collector.cli; "
        "print(sorted({'aiokafka', 'sqlalchemy', 'fastapi', 'confluent_kafka', 'alembic'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "[]"
