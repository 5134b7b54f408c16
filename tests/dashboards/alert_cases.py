"""Which of promtool's scenarios shows what of each alert, or why there is nothing to show.

A cell holds words of the name of exactly one scenario in `dashboards/*_test.yml`, or a reason. test_alerts.py holds
the table to the rules and to the scenarios.
"""

from typing import Final, NamedTuple


class Reason(str):
    """Why a case cannot apply to an alert."""

    __slots__ = ()


class Cases(NamedTuple):
    """The cases that every alert is asked for."""

    fires: str
    just_below: str
    resolves: str
    counter_reset: str
    missing_series: str
    new_label: str
    first_day: str
    low_traffic: str


GAUGES: Final = Reason("it asks gauges only, which a restart sets anew and nothing adds up")
NOW: Final = Reason("it asks for now or for minutes: no yesterday is in it")
NO_COUNT: Final = Reason("it goes by time, not by how much happens")
ONE_IS_ENOUGH: Final = Reason("a single record is told, however few there are")
ALWAYS: Final = Reason("it asks no series and always fires")

SHOWS_NOTHING = "answers and shows nothing else"
AT_ONCE = "that come at once fire from 46 on"
NO_COLLECTOR = "no collector answers"
NO_TARGET = "no target at all"
TWO_MINUTES = "two minutes behind are borne"
TEN_MINUTES = "ten minutes behind are told as lagging"
NEW_PARTITION = "a partition that nobody had before is watched"
NO_PARTITION = "without a partition for five minutes"
SILENCE = "nothing arrives while sessions are held for live"
FOUR_LOST = "four lost ones are no outage"
ARRIVES = "also of a collector that restarts or is new"
REFUSED = "a refused record is told by its reason"
REFUSED_BEFORE = "refused before a collector was first scraped"
RELEASE = "a release that nobody can read"
LOST = "lost records are told"
LOST_FEW = "many dead letters are none where much more is stored"
TWO_OF_HUNDRED = "two of a hundred events do not come"
ONE_OF_HUNDRED = "less than one of a hundred is borne"
NO_LOOK = "nobody looks for silence any more"
NOT_DELETED = "could not be deleted for a day, until"
FIRST_DELETED = "on the first day nobody says that for a day"
NEW_VALUES = "every session tells a version of its own"
BEGINS_AGAIN = "starts again and again meets no new values"
BURNS = "joins begin to fail after a quiet hour"
BURNS_BELOW = "just below is no page"
PHASE_AWAY = "of a phase whose counters are all away"
TREND = "4 % of joins fail for a day"
TREND_BELOW = "just below for a day is no trend"
STUCK = "reconnects that stay for ten minutes"
BADLY = "half of the outages end badly"
FOUR_OF_FIVE = "four of five is enough"
TOKENS = "tokens end before their sessions"
NINE_TOKENS = "nine sessions with such tokens are few"

TABLE: Final = {
    "RtcFailureSpike": Cases(
        fires=AT_ONCE,
        just_below=AT_ONCE,
        resolves=AT_ONCE,
        counter_reset="a collector that restarts is no spike",
        missing_series="it needs neither attempts",
        new_label="a new region counts from the 0",
        first_day="on the first day what was seen so far",
        low_traffic="three failures among next to nobody",
    ),
    "RtcCollectorDown": Cases(
        fires=NO_COLLECTOR,
        just_below=NO_COLLECTOR,
        resolves=NO_COLLECTOR,
        counter_reset=GAUGES,
        missing_series=NO_TARGET,
        new_label=NO_TARGET,
        first_day=NOW,
        low_traffic=NO_COUNT,
    ),
    "RtcCollectorLagging": Cases(
        fires=TWO_MINUTES,
        just_below=TWO_MINUTES,
        resolves=TWO_MINUTES,
        counter_reset=GAUGES,
        missing_series=SHOWS_NOTHING,
        new_label=NEW_PARTITION,
        first_day=NOW,
        low_traffic=NO_COUNT,
    ),
    "RtcCollectorFarBehind": Cases(
        fires=TEN_MINUTES,
        just_below=TEN_MINUTES,
        resolves=TEN_MINUTES,
        counter_reset=GAUGES,
        missing_series=SHOWS_NOTHING,
        new_label=NEW_PARTITION,
        first_day=NOW,
        low_traffic=NO_COUNT,
    ),
    "RtcCollectorNotReading": Cases(
        fires=NO_PARTITION,
        just_below=NO_PARTITION,
        resolves=NO_PARTITION,
        counter_reset=GAUGES,
        missing_series="nothing tells whether collectors run",
        new_label="a partition that nobody had before is one that is read",
        first_day=NOW,
        low_traffic=NO_COUNT,
    ),
    "RtcCollectorNoEvents": Cases(
        fires=SILENCE,
        just_below=FOUR_LOST,
        resolves=SILENCE,
        counter_reset=ARRIVES,
        missing_series="without the number of live sessions those that were lost",
        new_label=ARRIVES,
        first_day=NOW,
        low_traffic="a quiet fleet whose sessions have all left",
    ),
    "RtcDeadLetters": Cases(
        fires=REFUSED,
        just_below=REFUSED,
        resolves=REFUSED,
        counter_reset=REFUSED_BEFORE,
        missing_series=SHOWS_NOTHING,
        new_label=REFUSED_BEFORE,
        first_day=NOW,
        low_traffic=ONE_IS_ENOUGH,
    ),
    "RtcManyDeadLetters": Cases(
        fires=RELEASE,
        just_below=LOST_FEW,
        resolves=RELEASE,
        counter_reset=RELEASE,
        missing_series="without the number of events nobody knows",
        new_label="a reason to refuse that nobody has met before",
        first_day=NOW,
        low_traffic=LOST_FEW,
    ),
    "RtcRecordsLost": Cases(
        fires=LOST,
        just_below=LOST,
        resolves=LOST,
        counter_reset="a collector that restarts has lost nothing by that",
        missing_series=SHOWS_NOTHING,
        new_label=LOST,
        first_day=NOW,
        low_traffic=ONE_IS_ENOUGH,
    ),
    "RtcCompletenessLow": Cases(
        fires=TWO_OF_HUNDRED,
        just_below=ONE_OF_HUNDRED,
        resolves=TWO_OF_HUNDRED,
        counter_reset=TWO_OF_HUNDRED,
        missing_series="without one of its counters nobody knows how complete",
        new_label="a collector that is new and gets too little",
        first_day=NOW,
        low_traffic=ONE_OF_HUNDRED,
    ),
    "RtcSweepBehind": Cases(
        fires=NO_LOOK,
        just_below=NO_LOOK,
        resolves=NO_LOOK,
        counter_reset=GAUGES,
        missing_series=SHOWS_NOTHING,
        new_label="a collector that is new and does not look for silence",
        first_day=NOW,
        low_traffic=NO_COUNT,
    ),
    "RtcRetentionFails": Cases(
        fires=NOT_DELETED,
        just_below=NOT_DELETED,
        resolves=NOT_DELETED,
        counter_reset="restarts and then fails knows of no success",
        missing_series="without the number of failures nobody says that deleting fails",
        new_label=FIRST_DELETED,
        first_day=FIRST_DELETED,
        low_traffic=NO_COUNT,
    ),
    "RtcManyClientValues": Cases(
        fires=NEW_VALUES,
        just_below=BEGINS_AGAIN,
        resolves=NEW_VALUES,
        counter_reset=BEGINS_AGAIN,
        missing_series=SHOWS_NOTHING,
        new_label=BEGINS_AGAIN,
        first_day=NEW_VALUES,
        low_traffic=Reason("it goes by how many values there are, which few sessions can tell as well as many"),
    ),
    "RtcWatchdog": Cases("the watchdog always fires", *[ALWAYS] * 7),
    "RtcBudgetBurnFast": Cases(
        fires=BURNS,
        just_below=BURNS_BELOW,
        resolves=BURNS,
        counter_reset=BURNS_BELOW,
        missing_series=PHASE_AWAY,
        new_label="sessions are dropped, also in a region that is new",
        first_day="12 % for hours are a page when there are three hours",
        low_traffic="of nine that go wrong at once",
    ),
    "RtcBudgetBurnSlow": Cases(
        fires=TREND,
        just_below=TREND_BELOW,
        resolves=TREND,
        counter_reset=TREND_BELOW,
        missing_series=PHASE_AWAY,
        new_label="a region that is new is in the trend",
        first_day=TREND,
        low_traffic="six a day are no trend",
    ),
    "RtcReconnectsStuck": Cases(
        fires=STUCK,
        just_below=STUCK,
        resolves=STUCK,
        counter_reset=GAUGES,
        missing_series="without the number of live sessions nobody knows whether reconnects",
        new_label="reconnects of a region that nobody has seen before",
        first_day=NOW,
        low_traffic=STUCK,
    ),
    "RtcReconnectSuccessLow": Cases(
        fires=BADLY,
        just_below=FOUR_OF_FIVE,
        resolves=BADLY,
        counter_reset=BADLY,
        missing_series=SHOWS_NOTHING,
        new_label="outages of a cause that nobody has met before",
        first_day=NOW,
        low_traffic=FOUR_OF_FIVE,
    ),
    "RtcTokenRisk": Cases(
        fires=TOKENS,
        just_below=TOKENS,
        resolves=TOKENS,
        counter_reset=GAUGES,
        missing_series=NINE_TOKENS,
        new_label=TOKENS,
        first_day=NOW,
        low_traffic=NINE_TOKENS,
    ),
}
