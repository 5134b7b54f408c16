"""The SQL that panels are made of. What a KPI is stands in docs/kpis.md; here it is asked over the range shown.

Rules:
1. Counts and ratios come from rollups: whole hours and fives from their sums, the rest by the minute.
2. Whatever reads events names the sessions first: no panel reads through all events.
3. Words that are chosen come in quoted, by `chosen()`; what nobody told is `unknown`.
"""

from __future__ import annotations

from typing import Final

from collector.store.tables import rollup_hours
from tools.dashboards.frame import chosen

HURT: Final = "('dropped', 'abandoned', 'lost')"
DECIDED: Final = "('recovered', 'failed', 'abandoned', 'lost')"
Z: Final = 1.96
"""Of a 95 % interval."""
FEWEST: Final = 30
"""SETTING: with fewer sessions a release is not judged."""

IN_RANGE: Final = "minute >= $__unixEpochFrom() / 60 AND minute < $__unixEpochTo() / 60"
WHO: Final = " AND ".join(
    (chosen("region", "region"), chosen("sdk", "sdk"), chosen("app_version", "version")),
)
DROPPED: Final = f"fate IN {HURT} AND {chosen('code::text', 'code')}"
"""Of what has ended, what was dropped with a chosen code; where all are chosen, with a code or without."""
IS_LONG: Final = "$__unixEpochTo() - $__unixEpochFrom() >= 86400"
BUCKET_MIN: Final = (
    f"CASE WHEN {IS_LONG} THEN ($__unixEpochTo() - $__unixEpochFrom()) / 60 / 24 / 60 * 60"
    " ELSE greatest(($__unixEpochTo() - $__unixEpochFrom()) / 60 / 24 / 5 * 5, 5) END"
)
"""Minutes of a point in a chart: a 24th of the range shown, in whole hours or, of less than a day, in whole fives."""


def told(column: str) -> str:
    """A word of a client, or `unknown`."""
    return f"coalesce(nullif({column}, ''), 'unknown')"


_SUMMED: Final = ", ".join(column.name for column in rollup_hours.columns if column.name != "hour")


def _whole(stretch: str, minutes: int, where: str = "TRUE") -> str:
    """The stretches within the range shown whose sums can be trusted."""
    return (
        f"SELECT {stretch} FROM whole_{stretch}s WHERE is_summed = 1 AND {where}"
        f" AND {stretch} * {minutes} >= $__unixEpochFrom() / 60"
        f" AND {stretch} * {minutes} + {minutes} <= $__unixEpochTo() / 60"
    )


def _sums(hours: str, fives: str) -> str:
    # OFFSET 0: else PostgreSQL may join all minutes of the range to each five, not knowing how few are left.
    return f"""(
    SELECT minute, {_SUMMED}
    FROM generate_series($__unixEpochFrom()::int / 60 / 5, $__unixEpochTo()::int / 60 / 5) AS five
    CROSS JOIN LATERAL (
      SELECT minute, {_SUMMED} FROM rollups
      WHERE minute >= five * 5 AND minute < five * 5 + 5 AND {IN_RANGE}
      OFFSET 0
    ) AS minutes
    WHERE five NOT IN ({fives}) AND five / 12 NOT IN ({hours})
    UNION ALL
    SELECT five * 5, {_SUMMED} FROM rollup_fives WHERE five IN ({fives}) AND five / 12 NOT IN ({hours})
    UNION ALL
    SELECT hour * 60, {_SUMMED} FROM rollup_hours WHERE hour IN ({hours})
  ) AS sums"""


SUMS: Final = _sums(_whole("hour", 60), _whole("five", 5))
"""What there is of the range shown, with the columns of rollups: for a figure of all of it."""
SUMS_IN_TIME: Final = _sums(_whole("hour", 60, IS_LONG), _whole("five", 5))
"""The same, for a chart: no row is of more time than a point."""


def counted(of: str, where: str = "TRUE") -> str:
    """The counts of the range shown, by one expression named `version`."""
    return f"""
SELECT
  {of} AS version,
  coalesce(sum(n) FILTER (WHERE kind = 'ended' AND fate <> 'not_joined'), 0) AS sessions,
  coalesce(sum(n) FILTER (WHERE kind = 'ended' AND {DROPPED}), 0) AS dropped,
  coalesce(sum(n) FILTER (WHERE kind = 'outage_ended' AND outcome = 'recovered'), 0) AS recovered,
  coalesce(sum(n) FILTER (WHERE kind = 'outage_ended' AND outcome IN {DECIDED}), 0) AS decided,
  coalesce(sum(n) FILTER (WHERE kind = 'outage_ended'), 0) AS outages,
  coalesce(sum(c) FILTER (WHERE kind = 'outage_ended'), 0) AS driven,
  coalesce(sum(b) FILTER (WHERE kind = 'outage_ended'), 0) AS attempts,
  coalesce(sum(a + b) FILTER (WHERE kind = 'ended'), 0) / 3600000.0 AS hours
FROM {SUMS}
WHERE {WHO} AND {where}
GROUP BY 1"""


def wilson(bad: str, total: str, side: int) -> str:
    """The lower (-1) or upper (1) end of the 95 % interval of Wilson of the share of what is not bad."""
    share = f"(1 - {bad}::float8 / {total})"
    spread = f"sqrt({share} * (1 - {share}) / {total} + {Z**2 / 4} / ({total}::float8 * {total}))"
    sign = "+" if side > 0 else "-"
    return f"(({share} + {Z**2 / 2} / {total} {sign} {Z} * {spread}) / (1 + {Z**2} / {total}))"


def judged(of: str, where: str = "TRUE") -> str:
    """Drop-free sessions by version: the share, its interval, and what that says beside all the others."""
    return f"""
WITH counted AS ({counted(of, where)}
), beside AS (
  SELECT {_COUNTED}, sum(sessions) OVER () - sessions AS others,
    sum(dropped) OVER () - dropped AS others_dropped
  FROM counted
), bounded AS (
  SELECT
    version, sessions, dropped, recovered, decided, outages, driven, attempts, hours, others,
    1 - dropped::float8 / sessions AS drop_free,
    {wilson("dropped", "sessions", -1)} AS low,
    {wilson("dropped", "sessions", 1)} AS high,
    CASE WHEN others > 0 THEN {wilson("others_dropped", "nullif(others, 0)", -1)} END AS others_low,
    CASE WHEN others > 0 THEN {wilson("others_dropped", "nullif(others, 0)", 1)} END AS others_high
  FROM beside
  WHERE sessions > 0
)
SELECT
  version AS "Version",
  CASE
    WHEN sessions < {FEWEST} THEN 'too few'
    WHEN others < {FEWEST} THEN 'no others'
    WHEN high < others_low THEN 'worse'
    WHEN low > others_high THEN 'better'
    ELSE 'alike'
  END AS "Beside the others",
  sessions::float8 AS "Sessions",
  dropped::float8 AS "Dropped",
  drop_free AS "Drop-free",
  low AS "From",
  high AS "To",
  CASE WHEN decided > 0 THEN recovered::float8 / decided END AS "Reconnect success",
  CASE WHEN driven > 0 THEN attempts::float8 / driven END AS "Attempts an outage",
  CASE WHEN hours > 0 THEN (outages / hours)::float8 END AS "Outages an hour"
FROM bounded
ORDER BY sessions DESC, version
LIMIT 50"""


_COUNTED: Final = "version, sessions, dropped, recovered, decided, outages, driven, attempts, hours"


def busiest(of: str, most: int = 6) -> str:
    """The versions with the most sessions in the range shown, which charts show."""
    return f"""
  SELECT {of} AS version
  FROM {SUMS}
  WHERE {WHO} AND kind = 'ended' AND fate <> 'not_joined'
  GROUP BY 1
  ORDER BY sum(n) DESC, 1
  LIMIT {most}"""


def over_time(of: str, value: str, fewest: int = 1) -> str:
    """A time series by version; `value` is made of the sums `sessions` and `dropped` of a bucket.

    Buckets with fewer than `fewest` sessions are left out.
    """
    return f"""
WITH busiest AS ({busiest(of)}
), bucketed AS (
  SELECT
    minute / ({BUCKET_MIN}) * ({BUCKET_MIN}) AS since,
    {of} AS version,
    sum(n)::float8 AS sessions,
    coalesce(sum(n) FILTER (WHERE {DROPPED}), 0)::float8 AS dropped
  FROM {SUMS_IN_TIME}
  WHERE {WHO} AND kind = 'ended' AND fate <> 'not_joined'
  GROUP BY 1, 2
)
SELECT to_timestamp(since * 60) AS time, version AS metric, {value} AS value
FROM bucketed
WHERE version IN (SELECT version FROM busiest) AND sessions >= {fewest}
ORDER BY 1, 2"""


def attempts(of: str, fewest: int) -> str:
    """A time series by version of attempts per outage, where the session core drives the reconnection.

    Buckets with fewer than `fewest` outages are left out.
    """
    return f"""
WITH busiest AS ({busiest(of)}
), bucketed AS (
  SELECT
    minute / ({BUCKET_MIN}) * ({BUCKET_MIN}) AS since,
    {of} AS version,
    sum(b)::float8 AS attempts,
    sum(c)::float8 AS driven
  FROM {SUMS_IN_TIME}
  WHERE {WHO} AND kind = 'outage_ended'
  GROUP BY 1, 2
)
SELECT to_timestamp(since * 60) AS time, version AS metric, attempts / driven AS value
FROM bucketed
WHERE version IN (SELECT version FROM busiest) AND driven >= {fewest}
ORDER BY 1, 2"""
