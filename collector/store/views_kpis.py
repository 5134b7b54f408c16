"""What the store answers about key figures, in one stretch of time or in two that are compared."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from collector.store.views import Completeness, View


class ComparedKpi(View):
    """The same figure in the range that is compared with, and how far the two are apart."""

    value: float | None = Field(examples=[0.9402])
    numerator: int | float = Field(examples=[110])
    denominator: int | float = Field(examples=[117])
    low: float | None = Field(default=None, examples=[0.8814])
    high: float | None = Field(default=None, examples=[0.9708])
    difference: float | None = Field(description="This range's value minus the other's.", examples=[0.0515])
    difference_low: float | None = Field(default=None, description="Newcombe's interval, 95 %.", examples=[0.0023])
    difference_high: float | None = Field(default=None, examples=[0.1111])
    more_than_chance: bool | None = Field(
        default=None, description="Whether that interval leaves out 0. None where the figure has no interval."
    )


class Kpi(View):
    """A ratio with what it is made of. `value` is None where the denominator is 0: nothing to judge by."""

    value: float | None = Field(examples=[0.9917])
    numerator: int | float = Field(examples=[119])
    denominator: int | float = Field(examples=[120])
    low: float | None = Field(
        default=None,
        description="Wilson's interval, 95 %; None where the figure is no share of what was counted one by one.",
        examples=[0.9543],
    )
    high: float | None = Field(default=None, examples=[0.9985])
    unit: str = Field(examples=["share"])
    definition: str = Field(examples=["joined / (connecting - cancelled)"])
    compared: ComparedKpi | None = Field(default=None, description="None where no comparison was asked for.")


class ComparedDistribution(View):
    """The same in the range that is compared with."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


class Distribution(View):
    """How long something took, by the nearest rank."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    unit: str = Field(examples=["ms"])
    definition: str
    compared: ComparedDistribution | None = None


class ComparedRange(View):
    """The range that is compared with."""

    since: datetime
    until: datetime
    completeness: Completeness


class Kpis(View):
    """The figures of kpis.md for a stretch of time, whole minutes, and whoever the filters leave."""

    since: datetime
    until: datetime
    kpis: dict[str, Kpi]
    distributions: dict[str, Distribution]
    compared: ComparedRange | None = None
    completeness: Completeness
