"""What Alertmanager's webhook sends, version 4, as alerts that can be kept.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. Fields that we do not need are passed over.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from collector.api.filters import storable
from collector.errors import BadBody
from collector.store.incidents import Alert
from session_core.instants import us_from_utc

BODY_BYTES_MAX: Final = 1024 * 1024
ALERTS_MAX: Final = 1_000
LATEST_US: Final = 4_102_444_800_000_000
"""2100."""

_Name = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(storable)]
_Value = Annotated[str, StringConstraints(max_length=2_048), AfterValidator(storable)]
_Text = Annotated[str, StringConstraints(max_length=16_384), AfterValidator(storable)]


class WebhookAlert(BaseModel):
    """One alert of a notification."""

    status: Literal["firing", "resolved"]
    labels: dict[_Name, _Value] = Field(max_length=64, examples=[{"alertname": "RtcFailureSpike", "code": "53000"}])
    annotations: dict[_Name, _Text] = Field(default={}, max_length=64)
    startsAt: AwareDatetime  # noqa: N815 - as Alertmanager spells it
    endsAt: AwareDatetime | None = None  # noqa: N815
    fingerprint: str = Field(pattern="^[0-9a-f]{1,32}$", examples=["4f8a2c91d03be657"])


class Notification(BaseModel):
    """What one call of the webhook tells."""

    version: Literal["4"]
    alerts: list[WebhookAlert] = Field(max_length=ALERTS_MAX)


def notification_schema() -> dict[str, Any]:
    """What is taken, as JSON Schema in one piece: a description of the API has no other place for its parts."""
    schema = Notification.model_json_schema()
    parts: dict[str, Any] = schema.pop("$defs")
    schema["properties"]["alerts"]["items"] = parts[WebhookAlert.__name__]
    return schema


def alerts_of(body: bytes) -> list[Alert]:
    """The alerts that a call tells. Raises BadBody."""
    try:
        told = Notification.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise BadBody(_place(first["loc"]), first["msg"]) from None
    return [_alert(place, alert) for place, alert in enumerate(told.alerts)]


def _alert(place: int, told: WebhookAlert) -> Alert:
    if not told.labels.get("alertname"):
        raise BadBody(f"$.alerts[{place}].labels", "an alert has the label alertname")
    started_us = us_from_utc(told.startsAt)
    ended_us = None
    if told.status == "resolved":
        if told.endsAt is None:
            raise BadBody(f"$.alerts[{place}].endsAt", "an alert that is resolved says when it ended")
        ended_us = us_from_utc(told.endsAt)
    for name, at_us in (("startsAt", started_us), ("endsAt", ended_us)):
        if at_us is not None and not 0 <= at_us < LATEST_US:
            raise BadBody(f"$.alerts[{place}].{name}", "times lie between 1970 and 2100")
    return Alert(told.fingerprint, started_us, ended_us, told.labels, told.annotations)


def _place(loc: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
