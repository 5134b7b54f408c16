"""The pages that people open, one file a page; showing.py is how each is shown."""

from __future__ import annotations

from fastapi import APIRouter

from collector.api.pages import (
    codes,
    docs,
    incidents,
    login,
    now,
    outages,
    packets,
    releases,
    room_list,
    rooms,
    search,
    session_list,
    sessions,
    telemetry,
)

router = APIRouter(include_in_schema=False)
for page in (
    now,
    outages,
    room_list,
    rooms,
    packets,
    session_list,
    sessions,
    incidents,
    releases,
    codes,
    telemetry,
    search,
    docs,
    login,
):
    router.include_router(page.router)
