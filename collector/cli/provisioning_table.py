"""What `provision` says to people: a row a thing, what differs below it, and one sentence at the end. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.provision.values import Kind, Step, Verdict

_DONE: Final[Mapping[Verdict, str]] = {
    Verdict.CREATE: "created",
    Verdict.UPDATE: "updated",
    Verdict.DELETE: "deleted",
    Verdict.UNCHANGED: "unchanged",
    Verdict.KEPT: "not changed",
    Verdict.LEFT_OUT: "left out",
}
_PLANNED: Final[Mapping[Verdict, str]] = {
    **_DONE,
    Verdict.CREATE: "to create",
    Verdict.UPDATE: "to update",
    Verdict.DELETE: "to delete",
}
_ORDER: Final = tuple(_DONE)
_INCIDENTS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Table:
    """How steps are shown. `only_shown`: nothing was done; `diffs`: each difference is shown.

    What a person changed is shown in any case.
    """

    where: str
    only_shown: bool
    diffs: bool

    def text(self, steps: Sequence[Step], left: int = 0) -> str:
        """The whole of it; `left`: so many things were not come to."""
        words = _PLANNED if self.only_shown else _DONE
        shown = _shortened(steps)
        width = max((len(step.title) for step in shown), default=0)
        lines = []
        for step in shown:
            row = f"{words[step.verdict]:<11}  {step.kind:<11}  {step.title:<{width}}  {step.why}"
            lines.append(row.rstrip())
            if self.diffs or step.verdict is Verdict.KEPT:
                lines += [f"    {line}" for line in step.diff]
        if len(shown) < len(steps):
            more = len(steps) - len(shown)
            lines.append(f"… and {more} more {'incident' if more == 1 else 'incidents'}")
        return "\n".join([*lines, self._sentence(steps, words, left)])

    def _sentence(self, steps: Sequence[Step], words: Mapping[Verdict, str], left: int) -> str:
        counted = Counter(step.verdict for step in steps)
        if not left and set(counted) <= {Verdict.UNCHANGED, Verdict.LEFT_OUT}:
            return f"{self.where}: nothing to do, {counted[Verdict.UNCHANGED]} are as they should be"
        parts = [f"{counted[verdict]} {words[verdict]}" for verdict in _ORDER if counted[verdict]]
        parts += [f"{left} not come to"] if left else []
        return f"{self.where}: {', '.join(parts)}" + ("; nothing was done" if self.only_shown else "")


def _shortened(steps: Sequence[Step]) -> list[Step]:
    """Incidents may be hundreds: those that change are shown, and of them not all."""
    shown, incidents = [], 0
    for step in steps:
        if step.kind is Kind.INCIDENT:
            incidents += 1
            if step.verdict is Verdict.UNCHANGED or incidents > _INCIDENTS_SHOWN:
                continue
        shown.append(step)
    return shown
