"""Incidents over HTTP: Alertmanager tells of them, people and programs ask which there were and whom they hit."""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from collector.api.alertmanager import BODY_BYTES_MAX, alerts_of, notification_schema
from collector.api.dependencies import IncidentsDep, NowDep, ReaderDep
from collector.api.fields import FieldsRoute
from collector.api.filters import LIMIT_MAX, NoQuery, Time, Words, ZoneQuery, span_of
from collector.api.guard import Door, address_of
from collector.api.paging import incident_cursor_of, read_incident_cursor
from collector.api.problems import problems
from collector.errors import BadBody, BodyTooLarge, IncidentNotFound, NotAllowed, ScopeMissing, TooManyAttempts
from collector.store.questions import IncidentFilters, Span
from collector.store.reader_incidents import IncidentPlace
from collector.store.views_incidents import IncidentPage, IncidentStory

router = APIRouter(prefix="/incidents", tags=["incidents"], route_class=FieldsRoute)

_ID: Final = re.compile(r"([0-9a-f]{1,32})-([0-9]{1,16})")
_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": notification_schema()}}}
}
_BEARER: Final = HTTPBearer(
    auto_error=False,
    description="The token that the setting alertmanager_token holds, or one with the scope ingest.",
    scheme_name="alertmanager",
)


class IncidentsQuery(ZoneQuery):
    """Which incidents, and which page of them."""

    since: Time = Field(default="-7d", description="Incidents that ended then or later, or go on.", examples=["-24h"])
    until: Time = Field(default="now", description="Incidents that began before.")
    alertname: Words = Field(default=[], examples=[["RtcFailureSpike"]])
    severity: Words = Field(default=[], examples=[["page"]])
    open: bool | None = Field(default=None, description="Whether they go on.")
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="`next` of the page before. It keeps that page's since and until."
    )

    def span(self, now_us: int) -> Span:
        """The stretch of time. Raises BadFilter."""
        return span_of(self.since, self.until, now_us, zone=self.zone())

    def filters(self) -> IncidentFilters:
        """As the store takes them."""
        return IncidentFilters(tuple(self.alertname), tuple(self.severity), self.open)


class Kept(BaseModel):
    """What became of a call."""

    model_config = ConfigDict(frozen=True)

    alerts: int = Field(description="Alerts that were kept; those told before are kept once.", examples=[2])


async def shows_token(
    request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    """Lets in who shows the token of the setting alertmanager_token, or one of the store with the scope ingest.

    Raises NotAllowed, ScopeMissing or TooManyAttempts.
    """
    token: str | None = request.app.state.alertmanager_token
    door: Door | None = request.app.state.door
    if door is not None:
        door.access.refuse_too_many(address_of(request))
    if shown is not None and token and compare_digest(shown.credentials.encode(), token.encode()):
        return
    if door is not None and shown is not None:
        grant = await door.access.of_token(shown.credentials, address_of(request))
        grant.require("ingest")
    elif door is None and not token:
        raise NotAllowed("no token is set, so nobody may tell of incidents")
    else:
        raise NotAllowed("the token is missing or wrong")


@router.post(
    "/alertmanager",
    responses=problems(NotAllowed, ScopeMissing, TooManyAttempts, BadBody, BodyTooLarge),
    dependencies=[Depends(shows_token)],
    openapi_extra=_BODY,
)
async def tell_of_incidents(
    request: Request, query: Annotated[NoQuery, Query()], incidents: IncidentsDep, now_us: NowDep
) -> Kept:
    """Takes what the webhook of Alertmanager sends. The same told twice is kept once; an end that is told stays."""
    del query
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge(BODY_BYTES_MAX)
    alerts = alerts_of(bytes(body))
    await run_in_threadpool(incidents.keep, alerts, now_us)
    return Kept(alerts=len(alerts))


@router.get("", responses=problems())
def list_incidents(query: Annotated[IncidentsQuery, Query()], reader: ReaderDep, now_us: NowDep) -> IncidentPage:
    """Incidents that went on in the range, the latest first."""
    span, after = query.span(now_us), None
    if query.cursor is not None:
        after, span = read_incident_cursor(query.cursor)
    page, following = reader.incidents(span, query.filters(), after=after, limit=query.limit, now_us=now_us)
    return page.model_copy(update={"next": None if following is None else incident_cursor_of(following, span)})


@router.get("/{incident_id}", responses=problems(IncidentNotFound))
def read_incident(
    incident_id: Annotated[str, Path(max_length=64, examples=["4f8a2c91d03be657-1764000000000000"])],
    query: Annotated[NoQuery, Query()],
    reader: ReaderDep,
    now_us: NowDep,
) -> IncidentStory:
    """One incident and whom it hit: affected of all, by region, version and room, beside the rest, with intervals."""
    del query
    return reader.incident(place_of(incident_id), now_us=now_us)


def place_of(incident_id: str) -> IncidentPlace:
    """The incident that an id names. Raises IncidentNotFound for what can be none."""
    found = _ID.fullmatch(incident_id)
    if found is None:
        raise IncidentNotFound(incident_id)
    return IncidentPlace(int(found[2]), found[1])
