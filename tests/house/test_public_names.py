"""The public surface is a list, and the list is true."""

import ast
import subprocess
import sys

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
        "import sys; before = set(sys.modules); import session_core; "
        "new = {m.split('.')[0] for m in set(sys.modules) - before}; "
        "print(sorted(new - sys.stdlib_module_names - {'session_core'}))"
    )
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    # msgspec loads typing_extensions where it happens to be installed, and needs it nowhere.
    assert set(ast.literal_eval(out)) - {"_msgspec", "typing_extensions"} == {"msgspec"}


def test_importing_the_command_line_connects_to_nothing_and_loads_no_client() -> None:
    program = (
        "import sys; import collector.cli; "
        "print(sorted({'aiokafka', 'sqlalchemy', 'fastapi', 'confluent_kafka', 'alembic'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "[]"
