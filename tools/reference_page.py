"""docs/reference.md, made from the public names of the session core: what each is, takes and raises, and its source."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec

import session_core
from session_core.errors import SessionCoreError

SPECIFICATION: Final = "Specification: "
"""How a docstring begins the line that names its place in the specification: the headings of Twilio's page."""

HEADINGS: Final = (
    "Room Reconnection States and Events",
    "RemoteParticipant Reconnection States and Events",
    "Preventing Reconnection Failure due to Expired AccessToken",
    "Handling Browser Session Termination and Page Navigation",
)

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "session_core": tuple(session_core.__all__),
    "session_core.kafka": ("KafkaSecurity", "KafkaSink"),
    "session_core.clock": ("Clock", "SystemClock", "Timer", "VirtualClock"),
    "session_core.identity": ("as_it_is", "hashed", "left_out"),
}

WIDTH: Final = 100

_HEAD: Final = """# The session core, name by name

Generated from the code by `make generate`. [Embedding](embedding.md) says how the parts go together,
[reconnection](reconnection.md) what the states are, [bad input](bad-input.md) what becomes of what should not come in.
Times whose names end in `_s` are seconds, in `_ms` milliseconds, in `_us` microseconds. *In the specification* names
the heading of Twilio Video's page "Reconnection States and Events" that a thing follows.

The session core raises what is listed here and nothing else of its own; telemetry raises nothing at all.
"""


class Said(NamedTuple):
    """What a docstring says: its first paragraph, the others, what these say of errors, and its place."""

    summary: str
    rest: str
    raises: str
    place: str


def reference_page() -> str:
    """The page."""
    return "\n".join([_HEAD, *(_module(name, names) for name, names in MODULES.items())])


def said(thing: object) -> Said:
    """The docstring of a thing of ours, in parts."""
    text = inspect.getdoc(thing) or ""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    places = [part.removeprefix(SPECIFICATION) for part in paragraphs if part.startswith(SPECIFICATION)]
    rest = [part for part in paragraphs[1:] if not part.startswith(SPECIFICATION)]
    sentences = [it for part in rest for it in re.split(r"(?<=[.;]) (?=[A-Z])", part)]
    raising = [it for it in sentences if re.search(r"\b[Rr]aises\b", it)]
    return Said(paragraphs[0], "\n\n".join(rest), " ".join(raising), places[0] if places else "")


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, those of its ancestors here included."""
    seen: set[str] = set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith("session_core"):
            continue
        for name, value in vars(owner).items():
            is_ours = isinstance(value, property | classmethod | staticmethod) or inspect.isfunction(value)
            if not name.startswith("_") and name not in seen and is_ours:
                seen.add(name)
                yield name, value


def _module(name: str, names: tuple[str, ...]) -> str:
    module = importlib.import_module(name)
    return f"## {name}\n\n" + "\n".join(_entry(it, getattr(module, it)) for it in names)


def _entry(name: str, thing: Any) -> str:
    doc = said(thing)
    parts = [f"### {name}", f"```python\n{_signature(name, thing)}\n```", doc.summary]
    parts += [doc.rest] if doc.rest else []
    init = vars(thing).get("__init__") if isinstance(thing, type) else None
    made = said(init) if inspect.isfunction(init) and init.__doc__ else None
    parts += [part for part in (made.summary, made.rest) if part] if made is not None else []
    parts += [f"Code `{thing.code}`."] if isinstance(thing, type) and issubclass(thing, SessionCoreError) else []
    parts += [f"In the specification: *{doc.place}*."] if doc.place else []
    rows = list(_rows(thing)) if isinstance(thing, type) else []
    if rows:
        parts.append("\n".join(["| | |", "| --- | --- |", *rows]))
    return "\n\n".join(parts) + "\n"


def _rows(kind: type) -> Iterator[str]:
    for name, value in members(kind):
        is_property = isinstance(value, property)
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        shown = f"{name}: {_returns(function)}" if is_property else _call(name, function, one_line=True)
        doc = said(function)
        place = f"In the specification: *{doc.place}*." if doc.place else ""
        cell = " ".join(filter(None, (doc.summary, doc.raises, place)))
        yield f"| `{_cell(shown)}` | {_cell(cell)} |"


def _signature(name: str, thing: Any) -> str:
    if inspect.isfunction(thing):
        return _call(name, thing)
    if issubclass(thing, Enum):
        return f"{name}: " + ", ".join(repr(member.value) for member in thing)
    if issubclass(thing, msgspec.Struct):
        fields = [_struct_field(thing, field) for field in msgspec.structs.fields(thing)]
        return _wrapped(name, ["*", *fields] if _is_by_name_only(thing) else fields, "")
    if issubclass(thing, tuple):
        defaults = getattr(thing, "_field_defaults", {})
        fields = [f"{it}: {kind}" + (f" = {defaults[it]!r}" if it in defaults else "") for it, kind in _kinds(thing)]
        return _wrapped(name, fields, "")
    init = next((vars(owner)["__init__"] for owner in thing.__mro__ if "__init__" in vars(owner)), None)
    if getattr(thing, "_is_protocol", False) or not inspect.isfunction(init):
        return f"class {name}"
    return _call(name, init).removesuffix(" -> None")


def _is_by_name_only(struct: type[msgspec.Struct]) -> bool:
    return all(it.kind is inspect.Parameter.KEYWORD_ONLY for it in inspect.signature(struct).parameters.values())


def _struct_field(struct: type[msgspec.Struct], field: Any) -> str:
    kind = dict(_kinds(struct))[field.name]
    if field.required:
        return f"{field.name}: {kind}"
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    value = default.value if isinstance(default, Enum) else default
    return f"{field.name}: {kind} = {value!r}"


def _kinds(kind: type) -> list[tuple[str, str]]:
    """Each field and its type, as it is written."""
    written = {
        name: it for owner in reversed(kind.__mro__) for name, it in vars(owner).get("__annotations__", {}).items()
    }
    return [(name, _as_written(it)) for name, it in written.items() if not name.startswith("_")]


def _as_written(annotation: Any) -> str:
    return annotation.__forward_arg__ if hasattr(annotation, "__forward_arg__") else str(annotation)


def _call(name: str, function: Any, *, one_line: bool = False) -> str:
    node = _node(function)
    arguments = node.args
    arguments.defaults = [_plain(value, function) for value in arguments.defaults]
    arguments.kw_defaults = [value and _plain(value, function) for value in arguments.kw_defaults]
    parts = [part for part in _parts(arguments) if part not in {"self", "cls"}]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    prefix = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    return f"{prefix}{name}({', '.join(parts)}){returns}" if one_line else _wrapped(f"{prefix}{name}", parts, returns)


def _parts(arguments: ast.arguments) -> list[str]:
    """The arguments as they are written, one by one."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    parts = [_part(argument, default) for argument, default in zip(positional, defaults, strict=True)]
    if arguments.kwonlyargs:
        parts.append("*")
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return parts + [_part(argument, default) for argument, default in named]


def _part(argument: ast.arg, default: ast.expr | None) -> str:
    kind = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    return f"{argument.arg}{kind}" + (f" = {ast.unparse(default)}" if default else "")


def _plain(value: ast.expr, function: Any) -> ast.expr:
    """A default that is a constant's name, as the constant's value."""
    constant = function.__globals__.get(value.id) if isinstance(value, ast.Name) else None
    return ast.Constant(constant) if isinstance(constant, int | float | str) else value


def _node(function: Any) -> ast.FunctionDef | ast.AsyncFunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        raise TypeError(f"{function} is no function")
    return node


def _returns(function: Any) -> str:
    node = _node(function)
    return ast.unparse(node.returns) if node.returns else ""


def _wrapped(name: str, parts: list[str], returns: str) -> str:
    line = f"{name}({', '.join(parts)}){returns}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
