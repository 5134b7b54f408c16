"""Panels that stand on more than one dashboard, and are the same there."""

from __future__ import annotations

from tools.dashboards import promql
from tools.dashboards.panels import instant, query, series, stat
from tools.dashboards.vocabulary import RECONNECT_OBJECTIVE, SHARE, SPIKE_SCORE, Json


def spike_score() -> Json:
    """What RtcFailureSpike goes by."""
    return series(
        "Spike score",
        "How far failures are above three times what yesterday predicts for the traffic of now, in the one of all "
        "regions and by the sign where that is most: below 0 when all is well, an alert above the dashed line.",
        [query('code_phase:rtc_terminal_failures:spike_score{code=~"$code"}', "{{code}} {{phase}}")],
        colours=("code",),
        above_is_bad=SPIKE_SCORE,
        least=None,
    )


def reconnect_success() -> Json:
    """Whether those who lose connection come back."""
    return stat(
        "Reconnect success in the time range",
        "Recovered outages of those that recovered, failed, were abandoned or lost, all regions. Who left while "
        "reconnecting counts against it. A fall means that those who lose connection do not come back.",
        instant(promql.reconnect_success()),
        unit=SHARE,
        below_is_bad=RECONNECT_OBJECTIVE,
        when_none="no outage",
    )
