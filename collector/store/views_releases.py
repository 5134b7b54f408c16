"""What the store answers about releases: whether one is worse than what else was there at the same time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from collector.store.views import Completeness, View

ReleaseDimension = Literal["app_version", "sdk_version"]
Verdict = Literal["worse", "better", "no_difference_found", "too_few"]


class Measure(View):
    """What went well of what could, beside all other releases at the same time. Intervals are of 95 %.

    `adjusted_p` is Fisher's exact chance of such a difference, adjusted by Holm for all that this answer looks at; None
    where there is too little to ask.
    """

    good: int = Field(examples=[412])
    of: int = Field(examples=[440])
    share: float | None = Field(examples=[0.9364])
    low: float | None = Field(examples=[0.9096])
    high: float | None = Field(examples=[0.9556])
    rest_good: int = Field(examples=[1981])
    rest_of: int = Field(examples=[2003])
    rest_share: float | None = Field(examples=[0.989])
    rest_low: float | None = Field(examples=[0.9834])
    rest_high: float | None = Field(examples=[0.9927])
    difference: float | None = Field(examples=[-0.0526])
    difference_low: float | None = Field(examples=[-0.0797])
    difference_high: float | None = Field(examples=[-0.0328])
    adjusted_p: float | None = Field(examples=[0.0000012])
    verdict: Verdict


class Release(View):
    """One version. `first_seen` and `last_seen`: the first and the last quarter of an hour of the range that saw it."""

    value: str | None = Field(description="None: the version was not told.", examples=["5.13.0"])
    first_seen: datetime
    last_seen: datetime
    sessions: int = Field(description="Sessions that ended in the range, failed joins left out.", examples=[440])
    verdict: Verdict = Field(description="worse where any measure is; else better where any is.")
    drop_free: Measure = Field(description="Sessions that were not dropped, abandoned or lost.")
    reconnected: Measure = Field(description="Outages that recovered, of recovered, failed, abandoned and lost.")
    joined: Measure = Field(description="Sessions that joined, of those and the joins that failed.")


class Releases(View):
    """Versions, the newest first."""

    since: datetime
    until: datetime
    by: ReleaseDimension
    items: tuple[Release, ...]
    left_out: int = Field(
        description="Versions with fewer sessions than these: they count among the rest.", examples=[0]
    )
    completeness: Completeness
