"""What Alertmanager's webhook sends, read."""

import json
from typing import Any

import pytest

from collector.api.alertmanager import ALERTS_MAX, alerts_of
from collector.errors import BadBody
from collector.store.incidents import Alert

# As Alertmanager 0.25 sent it.
FIRING: dict[str, Any] = {
    "receiver": "roomwatch",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "RtcFailureSpike", "code": "53000", "phase": "session", "severity": "page"},
            "annotations": {"summary": "Sessions fail with code 53000"},
            "startsAt": "2025-11-24T16:20:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://127.0.0.1:9090/graph",
            "fingerprint": "4f8a2c91d03be657",
        }
    ],
    "groupLabels": {"alertname": "RtcFailureSpike"},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "http://127.0.0.1:9093",
    "version": "4",
    "groupKey": '{}:{alertname="RtcFailureSpike"}',
    "truncatedAlerts": 0,
}
STARTED_US = 1_764_001_200_123_456


def told(**changes: Any) -> bytes:
    return json.dumps({**FIRING, "alerts": [{**FIRING["alerts"][0], **changes}]}).encode()


def test_an_alert_that_fires_has_no_end() -> None:
    one = FIRING["alerts"][0]
    expected = Alert("4f8a2c91d03be657", STARTED_US, None, one["labels"], one["annotations"])
    assert alerts_of(json.dumps(FIRING).encode()) == [expected]


def test_an_alert_that_is_resolved_has_its_end() -> None:
    (one,) = alerts_of(told(status="resolved", endsAt="2025-11-24T17:30:00.123456+01:00"))
    assert one.ended_at_us == STARTED_US + 600_000_000


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "$"),
        (b"[]", "$"),
        (b'{"version": "4"', "$"),
        (json.dumps({**FIRING, "version": "3"}).encode(), "$.version"),
        (json.dumps({"version": "4"}).encode(), "$.alerts"),
        (json.dumps({**FIRING, "alerts": FIRING["alerts"] * (ALERTS_MAX + 1)}).encode(), "$.alerts"),
        (told(status="pending"), "$.alerts[0].status"),
        (told(labels={"code": "53000"}), "$.alerts[0].labels"),
        (told(labels={"alertname": "a\x00b"}), "$.alerts[0].labels.alertname"),
        (told(labels={"alertname": "x" * 3_000}), "$.alerts[0].labels.alertname"),
        (told(fingerprint="../etc"), "$.alerts[0].fingerprint"),
        (told(startsAt="yesterday"), "$.alerts[0].startsAt"),
        (told(startsAt="2025-11-24T16:20:00"), "$.alerts[0].startsAt"),
        (told(startsAt="0001-01-01T00:00:00Z"), "$.alerts[0].startsAt"),
        (told(status="resolved", endsAt="0001-01-01T00:00:00Z"), "$.alerts[0].endsAt"),
        (told(status="resolved", endsAt=None), "$.alerts[0].endsAt"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(body: bytes, place: str) -> None:
    with pytest.raises(BadBody) as caught:
        alerts_of(body)
    assert caught.value.place == place
