"""The room error codes over HTTP: what each means to a human, and what to do about it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from collector.api.fields import FieldsRoute
from collector.api.filters import NoQuery
from collector.api.meanings import MEANINGS
from collector.api.problems import problems
from collector.errors import CodeNotFound
from session_core.errors import CATALOGUE, Appears, Code

router = APIRouter(prefix="/codes", tags=["codes"], route_class=FieldsRoute)


class CodeView(BaseModel):
    """A room error code."""

    model_config = ConfigDict(frozen=True)

    code: int = Field(examples=[53002])
    name: str = Field(examples=["SignalingConnectionTimeoutError"])
    message: str = Field(examples=["Signaling connection timed out"])
    appears: tuple[str, ...] = Field(description="Where it may appear.", examples=[("disconnected",)])
    ends_as: str = Field(description="How a session that it ends has ended.", examples=["dropped"])
    meaning: str | None = Field(description="What it means, in plain words.")
    likely_causes: tuple[str, ...] = Field(description="The likeliest first.")
    what_to_do: str | None


class Codes(BaseModel):
    """The catalogue: a list like others. It comes whole, and out of no telemetry that could be incomplete."""

    items: tuple[CodeView, ...]
    next: None = Field(default=None, description="There is no other page.")
    completeness: None = Field(default=None, description="There is nothing that could be missing.")


@router.get("", responses=problems())
async def list_codes(query: Annotated[NoQuery, Query()]) -> Codes:
    """The whole catalogue."""
    del query
    return Codes(items=tuple(_view(row) for row in CATALOGUE.values()))


@router.get("/{code}", responses=problems(CodeNotFound))
async def read_code(code: Annotated[int, Path(ge=0, le=2**31 - 1)], query: Annotated[NoQuery, Query()]) -> CodeView:
    """One code: what it means and what to do."""
    del query
    row = CATALOGUE.get(code)
    if row is None:
        raise CodeNotFound(code)
    return _view(row)


_APPEARS: Final = {
    Appears.RECONNECTING: "reconnecting",
    Appears.DISCONNECTED: "disconnected",
    Appears.CONNECT: "connect",
    Appears.TRACK_OR_REST: "track_or_rest",
}


def _view(row: Code) -> CodeView:
    meaning = MEANINGS.get(row.code)
    return CodeView(
        code=row.code,
        name=row.name,
        message=row.message,
        appears=tuple(word for flag, word in _APPEARS.items() if flag in row.appears),
        ends_as=row.ends_as.value,
        meaning=None if meaning is None else meaning.says,
        likely_causes=() if meaning is None else meaning.causes,
        what_to_do=None if meaning is None else meaning.do,
    )
