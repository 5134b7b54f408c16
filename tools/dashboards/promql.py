"""The PromQL that panels are made of. What a KPI is stands in docs/kpis.md; here it is asked over the range shown.

Rules:
1. Sum over collectors, always: a single one is no subject of a panel.
2. A counter stands in `rate` or `increase`, before it is summed.
3. A panel whose thing never happened shows 0 or `none`; where a share or a quantile is of nothing it says so.
"""

from __future__ import annotations

from typing import Final

REGION: Final = 'region=~"$region"'
CODE: Final = 'code=~"$code"'
DECIDED: Final = "recovered|failed|abandoned|lost"
"""What reconnect success is of: an outage that was superseded or closed by the host says nothing about recovery."""
HURT: Final = "dropped|abandoned|lost"
"""The fates that a drop is made of."""
NONE: Final = "none"


def failures(*matchers: str) -> str:
    """Sessions that failed, by what is chosen and more."""
    return f"rtc_terminal_failures_total{{{', '.join((CODE, REGION, *matchers))}}}"


def per_minute(by: str, selector: str) -> str:
    """A counter's rate per minute, summed by labels."""
    return f"60 * sum by ({by}) (rate({selector}[$__rate_interval]))"


def in_range(selector: str, by: str = "", *, over: str = "$__range") -> str:
    """What a counter rose by over the range shown, summed."""
    how = f"sum by ({by})" if by else "sum"
    return f"{how} (increase({selector}[{over}]))"


def quantile(q: float, histogram: str, selector: str = "") -> str:
    """A quantile of a histogram over time; nothing, which is not NaN, where nothing was observed."""
    return f"histogram_quantile({q}, sum by (le) (rate({histogram}_bucket{selector}[$__rate_interval]))) >= 0"


def quantile_in_range(q: float, histogram: str, selector: str = "") -> str:
    """A quantile of a histogram over the range shown; nothing where nothing was observed."""
    return f"histogram_quantile({q}, sum by (le) (increase({histogram}_bucket{selector}[$__range]))) >= 0"


def rates_that_rose(by: str, selector: str) -> str:
    """A counter's rate per minute by labels, for those alone that rose in the range shown; else one named `none`."""
    rose = f"sum by ({by}) (increase({selector}[$__range] @ end())) > 0"
    return or_none(f"{per_minute(by, selector)} and on ({by}) ({rose})", by.split(",", maxsplit=1)[0])


def highest(expr: str) -> str:
    """The highest value of a gauge within each step: what lasts half a minute must show on a day too."""
    return f"max_over_time({expr}[$__rate_interval:15s])"


def or_zero(expr: str) -> str:
    """The expression, or 0 while none of its series is there."""
    return f"{expr} or vector(0)"


def or_none(expr: str, label: str) -> str:
    """The expression, or one series named `none` at 0 while it has none."""
    return f'{expr} or on () label_replace(vector(0), "{label}", "{NONE}", "", "")'


def outages_ended(outcomes: str, by: str = "", *, over: str = "$__range") -> str:
    """Outages that ended, less those whose end was taken back."""
    ended, reopened = (
        in_range(f'rtc_outages_{word}_total{{outcome=~"{outcomes}"}}', by, over=over) for word in ("ended", "reopened")
    )
    return f"({ended} - {reopened})"


def dropped_sessions(*, over: str = "$__range") -> str:
    """Sessions that were dropped, less those that came back."""
    ended, reopened = (
        in_range(f'rtc_sessions_{word}_total{{fate=~"{HURT}"}}', over=over) for word in ("ended", "reopened")
    )
    return f"({ended} - {reopened})"


def drop_rate(*, over: str = "$__range") -> str:
    """Dropped sessions of those that joined."""
    return f"{dropped_sessions(over=over)} / ({in_range('rtc_sessions_joined_total', over=over)} > 0)"


def dropped_share() -> str:
    """Dropped sessions of those that ended and had joined: 1 less the KPI of drop-free sessions."""
    ended, reopened = (in_range(f'rtc_sessions_{word}_total{{fate!="not_joined"}}') for word in ("ended", "reopened"))
    return f"{dropped_sessions()} / ({ended} - {reopened} > 0)"


def dropped_share_by_region(*, over: str) -> str:
    """The same by region, where nothing tells of which region the sessions were that came back."""
    dropped = in_range(f'rtc_sessions_ended_total{{fate=~"{HURT}", {REGION}}}', "region", over=over)
    ended = in_range(f'rtc_sessions_ended_total{{fate!="not_joined", {REGION}}}', "region", over=over)
    return f"{dropped} / ({ended} > 0)"


def join_success() -> str:
    """Sessions that joined, of those that tried and did not cancel."""
    joined = in_range(f"rtc_sessions_joined_total{{{REGION}}}")
    tried = in_range(f"rtc_connect_attempts_total{{{REGION}}}")
    ended = in_range(f'rtc_sessions_ended_total{{fate="not_joined", {REGION}}}')
    failed = in_range(f'rtc_terminal_failures_total{{phase="join", {REGION}}}')
    return f"{joined} / ({tried} - {ended} + {failed} > 0)"


def reconnect_success(*, over: str = "$__range") -> str:
    """Strict: who left while reconnecting counts against it."""
    recovered, decided = (outages_ended(outcomes, over=over) for outcomes in ("recovered", DECIDED))
    return f"{recovered} / ({decided} > 0)"
