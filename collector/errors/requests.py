"""Questions to the API that cannot be answered."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from collector.errors.root import CollectorError, short


class RequestError(CollectorError):
    """A question to the API that cannot be answered."""

    code: ClassVar[str] = "request"
    remedy: ClassVar[str] = "Correct the request."


class SessionNotFound(RequestError):
    """No event of this session has reached the store; or it began longer ago than sessions are kept."""

    code: ClassVar[str] = "session-not-found"
    remedy: ClassVar[str] = "Check the id; a session's first event is stored seconds after it was sent."

    def __init__(self, session_id: UUID | str, kept_days: int | None = None) -> None:
        self.session_id = session_id
        aged = f"session {session_id} began longer ago than the {kept_days} days that sessions are kept"
        super().__init__(aged if kept_days else f"no event of session {session_id} has reached the store")


class RoomNotFound(RequestError):
    """No session of this room has reached the store."""

    code: ClassVar[str] = "room-not-found"
    remedy: ClassVar[str] = "Check the room's sid; names of rooms are searched for with /api/v1/sessions?room_name=…"

    def __init__(self, room_sid: str) -> None:
        self.room_sid = room_sid
        super().__init__(f"no session of room {short(room_sid)} has reached the store")


class OutageNotFound(RequestError):
    """No event of this outage has reached the store."""

    code: ClassVar[str] = "outage-not-found"
    remedy: ClassVar[str] = "Check the session's id and the number; outages of a session are numbered from 1."

    def __init__(self, session_id: UUID | str, number: int) -> None:
        self.session_id = session_id
        self.number = number
        super().__init__(f"no event of outage {number} of session {session_id} has reached the store")


class CodeNotFound(RequestError):
    """The catalogue of room errors does not have this code."""

    code: ClassVar[str] = "code-not-found"
    remedy: ClassVar[str] = "/api/v1/codes lists those that it has; a server may send codes of its own."

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"the catalogue has no code {number}")


class IncidentNotFound(RequestError):
    """Alertmanager has not told of this incident; or it was longer ago than incidents are kept."""

    code: ClassVar[str] = "incident-not-found"
    remedy: ClassVar[str] = "Check the id; /api/v1/incidents lists those that are kept."

    def __init__(self, incident_id: str) -> None:
        self.incident_id = incident_id
        super().__init__(f"there is no incident {short(incident_id)}")


class QueryTooLong(RequestError):
    """A question took longer than it may, so the database was told to stop; or whoever asked hung up."""

    code: ClassVar[str] = "query-too-long"
    remedy: ClassVar[str] = (
        "Ask for a shorter range or with more filters; what is asked often and needs longer is a case for "
        "http_question_s (http_export_s for exports)."
    )

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        super().__init__(f"the question took longer than {within_s:g} s and was cancelled in the database")


class TooManyQuestions(RequestError):
    """As many questions as may be asked at once are being answered, and this one has waited for its turn in vain."""

    code: ClassVar[str] = "too-many-questions"
    remedy: ClassVar[str] = "Ask again when the header Retry-After says, one question after the other."

    def __init__(self, kind: str, at_once: int, retry_after_s: int) -> None:
        self.kind = kind
        self.at_once = at_once
        self.retry_after_s = retry_after_s
        super().__init__(f"{at_once} {kind} are being answered already, which is as many as may be at once")


class FormatMissing(RequestError):
    """An export was asked for in a format whose packages the collector was installed without."""

    code: ClassVar[str] = "format-missing"
    remedy: ClassVar[str] = (
        "Ask for format=csv or format=jsonl, or have the collector installed with `pip install 'roomwatch[archive]'`."
    )

    def __init__(self, wanted: str, missing: str) -> None:
        self.wanted = wanted
        self.missing = missing
        super().__init__(f"format={wanted} needs the package {missing}, which is not installed here")


class BadBody(RequestError):
    """What was sent is not what is taken here."""

    code: ClassVar[str] = "bad-body"
    remedy: ClassVar[str] = "Correct what the message names; docs/incidents.md shows what is taken."

    def __init__(self, place: str, why: str) -> None:
        self.place = place
        self.why = why
        super().__init__(f"{short(place)}: {why}")


class BodyTooLarge(RequestError):
    """More was sent than is taken at once."""

    code: ClassVar[str] = "body-too-large"
    remedy: ClassVar[str] = "Send less at once: max_alerts of Alertmanager's webhook bounds what it sends."

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        super().__init__(f"more than {bytes_max} bytes")


class TooManyListeners(RequestError):
    """More pages listen for news than one collector tells at once."""

    code: ClassVar[str] = "too-many-listeners"
    remedy: ClassVar[str] = "Nothing: a page that is not told asks every few seconds. More collectors tell more pages."

    def __init__(self, listeners_max: int) -> None:
        self.listeners_max = listeners_max
        super().__init__(f"{listeners_max} pages listen already")


class BadFilter(RequestError):
    """A filter, a time or a cursor of the request cannot be used."""

    code: ClassVar[str] = "bad-filter"
    remedy: ClassVar[str] = "Correct the parameter that the message names; /docs lists what each takes."

    def __init__(self, name: str, value: str, why: str, allowed: tuple[str, ...] = ()) -> None:
        self.name = name
        self.value = value
        self.why = why
        self.allowed = allowed
        super().__init__(f"{name} = {short(value)}: {why}")
