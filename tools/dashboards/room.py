"""The dashboard `roomwatch-room`, *What happened in this room?*: its participants' states, outages and events."""

from __future__ import annotations

from typing import Final

from tools.dashboards import sql
from tools.dashboards.frame import CARRIED, chosen, link_to, text_variable
from tools.dashboards.frame import dashboard as framed
from tools.dashboards.panels import corner_link, row, rows_of, stat, states, table
from tools.dashboards.releases import variables as who
from tools.dashboards.vocabulary import MEANINGS, MILLISECONDS, ROOM, Json, mapped

DESCRIPTION: Final = (
    "One room, participant by participant, from the store, whatever the time range: zoom to where the states are. "
    "Pick a room from the list, or type its SID."
)
THIS_ROOM: Final = "room_sid = ${room:sqlstring}"
SESSIONS_MAX: Final = 200
LATEST_OUTAGES: Final = 2_000
ADDRESS: Final = "http://127.0.0.1:8787"
STATES: Final = {1: "connecting", 2: "connected", 3: "reconnecting", 4: "ended"}

CORRECTION: Final = "coalesce(correction_us, 0) * interval '1 microsecond'"
"""What is added to a client's times where its clock is off."""
PERSON: Final = "coalesce(sessions.identity, sessions.participant_sid, sessions.session_id::text)"


def picking() -> Json:
    """Rooms to look into."""
    asked = f"""
WITH latest AS (
  SELECT session_id, outcome FROM outages
  WHERE $__timeFilter(opened_at)
  ORDER BY opened_at DESC
  LIMIT {LATEST_OUTAGES}
)
SELECT
  room_sid AS "Room",
  max(room_name) AS "Name",
  count(DISTINCT sessions.session_id)::float8 AS "Sessions hit",
  count(*)::float8 AS "Outages",
  (count(*) FILTER (WHERE outcome IN ('failed', 'abandoned', 'lost')))::float8 AS "Not recovered",
  max(sessions.last_append_at) AS "Last heard of"
FROM latest JOIN sessions ON sessions.session_id = latest.session_id
WHERE room_sid IS NOT NULL AND {sql.WHO} AND {chosen("terminal_code::text", "code")}
GROUP BY room_sid
ORDER BY 5 DESC, 4 DESC
LIMIT 50"""
    url = link_to(ROOM, "postgresql", "roomwatch", *CARRIED, room="${__data.fields.Room}")
    return table(
        "Rooms with outages in the time range",
        f"Of the latest {LATEST_OUTAGES} outages of whom you chose: where most did not recover comes first. Code is "
        "that with which the session ended. A room opens below.",
        [rows_of(asked)],
        links={"Room": {"title": "This room", "url": url, "targetBlank": False}},
        when_none="no outage",
    )


def timeline() -> Json:
    """The states of each participant."""
    asked = f"""
WITH its AS (
  SELECT session_id, {PERSON} AS person, {CORRECTION} AS correction, connecting_at, joined_at, first_append_at, ended_at
  FROM sessions
  WHERE {THIS_ROOM}
  ORDER BY first_append_at
  LIMIT {SESSIONS_MAX}
), moved AS (
  SELECT person, coalesce(connecting_at + correction, first_append_at) AS since, 1 AS state FROM its
  UNION ALL
  SELECT person, joined_at + correction, 2 FROM its WHERE joined_at IS NOT NULL
  UNION ALL
  SELECT person, opened_at, 3 FROM its JOIN outages ON outages.session_id = its.session_id
  UNION ALL
  SELECT person, coalesce(closing_at, started_at + downtime_ms * interval '1 millisecond') + correction, 2
  FROM its JOIN outages ON outages.session_id = its.session_id
  WHERE outcome = 'recovered'
  UNION ALL
  SELECT person, ended_at + correction, 4 FROM its WHERE ended_at IS NOT NULL
)
SELECT since AS time, person AS metric, state::float8 AS value FROM moved ORDER BY 1, 3"""
    mapping: Json = {
        "type": "value",
        "options": {
            str(number): {"color": MEANINGS["state"][word], "index": number, "text": word}
            for number, word in STATES.items()
        },
    }
    return _to_roomwatch(
        states(
            "Who was in which state",
            "A lane a participant, over all its sessions. All of them reconnecting at once: their network, or the "
            "room's server; one alone: that participant. Empty where no room is chosen, or it is outside the range.",
            rows_of(asked, shape="time_series"),
            [mapping],
            when_none="no room chosen, or nothing of it in the time range",
        )
    )


def counts() -> list[Json]:
    """The room in four numbers."""

    def one(what: str, where: str = "TRUE") -> Json:
        return rows_of(f"SELECT {what}::float8 AS found FROM sessions WHERE {THIS_ROOM} AND {where}")

    return [
        stat(
            "Participants",
            "Different identities in the chosen room; sessions of one are counted once.",
            one(f"count(DISTINCT {PERSON})"),
        ),
        stat("Sessions", "Joins of the room, again and again of the same participant too.", one("count(*)")),
        stat(
            "Outages",
            "Outages of all its sessions: as often as somebody was cut off.",
            one("coalesce(sum(outages), 0)"),
        ),
        stat(
            "Sessions dropped, abandoned or lost",
            "Sessions that did not end as their user wanted; the table below says with which code.",
            one("count(*)", f"fate IN {sql.HURT}"),
            above_is_bad=1,
        ),
    ]


def sessions() -> Json:
    """Who was there."""
    asked = f"""
SELECT
  {PERSON} AS "Participant", fate AS "Fate", terminal_code::text AS "Code",
  coalesce(joined_at + {CORRECTION}, first_append_at) AS "Joined", ended_at + {CORRECTION} AS "Ended",
  outages::float8 AS "Outages", reconnecting_ms::float8 AS "Reconnecting",
  {sql.told("region")} AS "Region", {sql.told("sdk")} || ' ' || coalesce(sdk_version, '') AS "SDK",
  {sql.told("app_version")} AS "Version", session_id::text AS "Session"
FROM sessions
WHERE {THIS_ROOM}
ORDER BY first_append_at
LIMIT {SESSIONS_MAX}"""
    return table(
        "Sessions",
        "A row a join, in order of time, with how it ended. A session opens Roomwatch's own page of it, with every "
        "event as it was told.",
        [rows_of(asked)],
        units={"Reconnecting": MILLISECONDS},
        cells={"Fate": mapped("fate"), "Code": mapped("code")},
        links={"Session": _page("This session in Roomwatch", "sessions/${__data.fields.Session}")},
        when_none="no session",
    )


def outages() -> Json:
    """When they were cut off."""
    asked = f"""
SELECT
  {PERSON} AS "Participant", opened_at AS "Began", downtime_ms::float8 AS "Downtime",
  cause AS "Cause", outcome AS "Outcome", closing_code::text AS "Code", attempts::float8 AS "Attempts"
FROM sessions JOIN outages ON outages.session_id = sessions.session_id
WHERE {THIS_ROOM}
ORDER BY 2
LIMIT 500"""
    return table(
        "Outages",
        "In order of time. Outages of several participants within seconds have one cause, outside their devices.",
        [rows_of(asked)],
        units={"Downtime": MILLISECONDS},
        cells={"Cause": mapped("cause"), "Outcome": mapped("outcome"), "Code": mapped("code")},
        when_none="no outage",
    )


def events() -> Json:
    """Every transition, as it was told."""
    asked = f"""
SELECT
  event_at + {CORRECTION} AS "At", {PERSON} AS "Participant", type AS "Event", from_state AS "From", to_state AS "To",
  error_code::text AS "Code", error_origin AS "Decided by", reason AS "Reason", events.network_type AS "Network"
FROM sessions JOIN events ON events.session_id = sessions.session_id
WHERE sessions.{THIS_ROOM}
ORDER BY 1
LIMIT 500"""
    return table(
        "Events",
        "Every transition of the chosen room as it was told, by the clients' corrected clocks; the first 500. What is "
        "missing was not collected: see 'Can I trust these numbers?'.",
        [rows_of(asked)],
        cells={"Code": mapped("code"), "From": mapped("state"), "To": mapped("state")},
        when_none="no event",
    )


def _page(title: str, path: str) -> Json:
    return {"title": title, "url": f"${{roomwatch:raw}}/{path}", "targetBlank": True}


def _to_roomwatch(panel: Json) -> Json:
    url = "${roomwatch:raw}/rooms/${room:percentencode}"
    return panel | {"links": [corner_link("This room in Roomwatch", url, elsewhere=True)]}


def dashboard() -> Json:
    """The whole dashboard."""
    lines = [
        (7, [picking()]),
        (1, [row("The chosen room")]),
        (3, counts()),
        (9, [timeline()]),
        (8, [sessions()]),
        (9, [outages(), events()]),
    ]
    variables = [
        text_variable("room", "Room SID"),
        *who(),
        text_variable("roomwatch", "Roomwatch's address", ADDRESS),
    ]
    return framed(ROOM, DESCRIPTION, lines, variables, since="now-6h")
