"""The dashboard `roomwatch-releases`, *Is this release worse?*: drop-free sessions by version, and how sure that is."""

from __future__ import annotations

from typing import Final

from tools.dashboards import sql
from tools.dashboards.frame import chosen, link_to, sql_variable
from tools.dashboards.frame import dashboard as framed
from tools.dashboards.panels import row, rows_of, series, stat, table, wide
from tools.dashboards.vocabulary import (
    COUNT,
    GREEN,
    GREY,
    OBJECTIVE,
    RED,
    RELEASES,
    SHARE,
    Json,
    mapped,
)

DESCRIPTION: Final = (
    "Releases beside each other, from the store, which knows what each session ran on. A release is called worse when "
    "its 95 % interval lies below that of all the others."
)
FEWEST_A_POINT: Final = 5
APP: Final = sql.told("app_version")
SDK: Final = f"{sql.told('sdk')} || ' ' || {sql.told('sdk_version')}"
JUDGEMENT: Final[list[Json]] = [
    {
        "type": "value",
        "options": {
            word: {"color": colour, "index": index, "text": word}
            for index, (word, colour) in enumerate(
                {"worse": RED, "better": GREEN, "alike": GREY, "too few": GREY, "no others": GREY}.items()
            )
        },
    }
]
UNITS: Final = {"Drop-free": SHARE, "From": SHARE, "To": SHARE, "Reconnect success": SHARE}


def variables() -> list[Json]:
    """Who is looked at."""

    def words(column: str, kind: str = "started") -> str:
        return f"SELECT DISTINCT {sql.told(column)} AS word FROM {sql.SUMS} WHERE kind = '{kind}' ORDER BY 1 LIMIT 200"

    codes = f"SELECT DISTINCT code::text AS word FROM {sql.SUMS} WHERE kind = 'ended' AND code >= 0 ORDER BY 1"
    return [
        sql_variable("region", "Region", words("region")),
        sql_variable("sdk", "SDK", words("sdk")),
        sql_variable("version", "Version", words("app_version")),
        sql_variable("code", "Code", codes),
    ]


def now() -> list[Json]:
    """What there is to judge by."""
    ended = f"""
SELECT sum(n)::float8 AS sessions FROM {sql.SUMS}
WHERE {sql.WHO} AND kind = 'ended' AND fate <> 'not_joined'"""
    worse = f"""
SELECT count(*) FILTER (WHERE "Beside the others" = 'worse')::float8 AS worse FROM ({sql.judged(APP)}) AS judged"""
    free = f"""
SELECT 1 - coalesce(sum(n) FILTER (WHERE {sql.DROPPED}), 0)::float8 / nullif(sum(n), 0) AS drop_free FROM {sql.SUMS}
WHERE {sql.WHO} AND kind = 'ended' AND fate <> 'not_joined'"""
    attempts = f"""
SELECT sum(b)::float8 / nullif(sum(c), 0) AS attempts FROM {sql.SUMS}
WHERE {sql.WHO} AND kind = 'outage_ended'"""
    return [
        stat(
            "Releases that are worse",
            f"App versions with at least {sql.FEWEST} sessions whose drop-free share is lower than that of all others, "
            "beyond chance: the intervals do not touch. With many versions one of them can be so by chance: look at "
            "how far.",
            rows_of(worse),
            above_is_bad=1,
        ),
        stat(
            "Drop-free sessions in the time range",
            "Of the sessions that ended and had joined, those not dropped, abandoned or lost; where codes are chosen, "
            f"not dropped with one of them. The objective is {OBJECTIVE:.0%}.",
            rows_of(free),
            unit=SHARE,
            below_is_bad=OBJECTIVE,
            when_none="no session",
        ),
        stat(
            "Sessions that ended",
            "What the shares below are of. A release that has just begun has few: widen the range, or wait.",
            rows_of(ended),
        ),
        stat(
            "Attempts per outage",
            "Attempts to reconnect of the outages that ended, where the session core drives them. Near 1: the first "
            "one does it; more: networks are gone for longer, or the server does not take people back.",
            rows_of(attempts),
            when_none="no outage",
        ),
    ]


def by_version(title: str, of: str, what: str, **links: Json) -> Json:
    """Releases with their counts and intervals."""
    return table(
        title,
        f"Drop-free sessions of each {what} in the time range with the counts they are made of and the 95 % interval "
        f"of Wilson (From, To), and what that says beside all others. Fewer than {sql.FEWEST} sessions are not judged. "
        "Where codes are chosen, only who was dropped with one of them counts as dropped. Attempts are told where the "
        "session core drives the reconnection.",
        [rows_of(sql.judged(of))],
        units=UNITS,
        cells={"Beside the others": JUDGEMENT},
        links=links,
        sorted_by="Sessions",
        unit=COUNT,
        when_none="no session",
    )


def over_time() -> list[Json]:
    """Since when."""
    return [
        series(
            "Dropped share by app version",
            "Sessions dropped, abandoned or lost of those that ended, by app version, the six with the most sessions. "
            "All versions rise together: it is not the release. Where codes are chosen, only drops with these count: "
            "the split of a code by version. The dashed line is what the objective allows; "
            f"points of fewer than {FEWEST_A_POINT} sessions are left out.",
            [rows_of(sql.over_time(APP, "dropped / sessions", FEWEST_A_POINT), shape="time_series")],
            unit=SHARE,
            above_is_bad=round(1 - OBJECTIVE, 6),
            when_none="no session",
        ),
        series(
            "Sessions that ended, by app version",
            "How a release is taken up. A share of few sessions jumps about: read the chart beside with this one.",
            [rows_of(sql.over_time(APP, "sessions"), shape="time_series")],
            stacked=True,
            when_none="no session",
        ),
    ]


def codes() -> Json:
    """With which codes, by version."""
    asked = f"""
WITH failed AS (
  SELECT {APP} AS version, code::text AS code, CASE WHEN fate = 'not_joined' THEN 'join' ELSE 'session' END AS phase,
    sum(n)::float8 AS sessions
  FROM {sql.SUMS}
  WHERE {sql.WHO} AND {chosen("code::text", "code")}
    AND kind = 'ended' AND code >= 0 AND fate IN ('not_joined', 'dropped')
  GROUP BY 1, 2, 3
)
SELECT version AS "Version", code AS "Code", phase AS "Phase", sessions AS "Sessions",
  sessions / sum(sessions) OVER (PARTITION BY version, phase) AS "Share of its failures"
FROM failed
WHERE sessions > 0
ORDER BY sessions DESC, version, code, phase
LIMIT 100"""
    return table(
        "Failure codes by app version",
        "With which codes sessions of a version failed, the greatest first, and the share of the version's "
        "failures in that phase (join: never joined; session: dropped). A code that only one version has is its "
        "own doing.",
        [rows_of(asked)],
        units={"Share of its failures": SHARE},
        cells={"Code": mapped("code")},
        links={"Version": _only("version", "Version")},
        sorted_by="Sessions",
        when_none="no failure",
    )


def attempts() -> Json:
    """How hard it is to come back, by version."""
    return series(
        "Attempts per outage, by app version",
        "Attempts to reconnect of the outages that ended, where the session core drives them, the six versions with "
        "the most sessions. One version rises alone: it gives up, or begins, wrongly; all of them: the server or the "
        f"network. Points of fewer than {FEWEST_A_POINT} outages are left out.",
        [rows_of(sql.attempts(APP, FEWEST_A_POINT), shape="time_series")],
        when_none="no outage",
    )


def _only(variable: str, column: str) -> Json:
    others = [name for name in ("region", "sdk", "version", "code") if name != variable]
    url = link_to(RELEASES, "postgresql", *others, **{variable: f"${{__data.fields.{column}}}"})
    return {"title": f"Only this {variable}", "url": url, "targetBlank": False}


def dashboard() -> Json:
    """The whole dashboard."""
    lines = [
        (1, [row("Is one of them worse?")]),
        (4, now()),
        (7, [by_version("Drop-free sessions by app version", APP, "app version", Version=_only("version", "Version"))]),
        (1, [row("Since when?")]),
        (8, over_time()),
        (1, [row("What is it?")]),
        (8, [by_version("Drop-free sessions by SDK version", SDK, "SDK version")]),
        (9, [wide(14, codes()), attempts()]),
    ]
    return framed(RELEASES, DESCRIPTION, lines, variables(), since="now-6h")
