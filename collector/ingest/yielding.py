"""How work on a whole batch lets other threads run.

The interpreter looks whether somebody waits for its lock when a function of Python begins or a loop of it goes round,
and nowhere in a function that is compiled: a batch would be taken in one piece, and the event loop would stand still
for as long. So this file is not compiled. Nor does it look while a list is let go: all that is in it goes at once.
"""

from typing import Any, Final

EVERY: Final = 16
"""Records or sessions after which to give way: well below a millisecond."""


def give_way() -> None:
    """Lets another thread have its turn, where one has waited for long enough."""


def let_go(items: list[Any]) -> None:
    """Empties a list, its last first, some at a time."""
    while items:
        del items[-EVERY:]
