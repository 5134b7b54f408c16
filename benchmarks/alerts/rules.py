"""What the alert is measured beside: three rules that many have, and the one that we had before."""

from __future__ import annotations

from typing import Final

from benchmarks.alerts.shipped import Alert

_X: Final = 'sum by (code, phase) (code_phase_region:rtc_terminal_failures:increase10m{region=""})'
_EXPECTED: Final = 'sum by (code, phase) (code_phase_region:rtc_terminal_failures:expected10m{region=""})'
_DAY: Final = 'code_phase_region:rtc_terminal_failures:increase10m{region=""}[23h59m59s:10m]'
_Z: Final = f"2 * (sqrt({_X} + 3 / 8) - sqrt({_EXPECTED} + 3 / 8))"
_CAUGHT_UP: Final = "unless on () (max(max_over_time(rtc_collector_lag_seconds[15m])) > 120)"
_WAIT_S: Final = 120
_KEEP_S: Final = 600


def _share(window: str) -> str:
    failures = f"sum by (code, phase) (increase(rtc_terminal_failures_total[{window}]))"
    return f"{failures} / on () group_left () (sum(increase(rtc_connect_attempts_total[{window}])) > 0)"


OTHERS: Final = {
    "10 in 10 minutes": Alert(f"{_X} >= 10", _WAIT_S, _KEEP_S),
    "z-score of 24 h > 3, at least 5": Alert(
        f"({_X} - sum by (code, phase) (avg_over_time({_DAY})))"
        f" / sum by (code, phase) (stddev_over_time({_DAY})) > 3 and {_X} >= 5",
        _WAIT_S,
        _KEEP_S,
    ),
    "burn of 14.4x a budget of 0.1 %, 1 h and 5 min": Alert(
        f"{_share('1h')} > 14.4 * 0.001 and {_share('5m')} > 14.4 * 0.001", _WAIT_S, _KEEP_S
    ),
    "Poisson score > 4 (5), as before": Alert(
        f"({_Z} > 4 + ({_EXPECTED} > bool 10 / 6) and {_X} >= 5 and {_X} > 3 * {_EXPECTED}) {_CAUGHT_UP}",
        _WAIT_S,
        _KEEP_S,
    ),
}
