"""How compiled code lets other threads run.

The interpreter looks whether somebody waits for its lock when a function of Python begins, and nowhere in a function
that is compiled: a batch would be taken in one piece, and the event loop would stand still for as long. So this file is
not compiled.
"""

from typing import Final

EVERY: Final = 16
"""Records or sessions after which to give way: well below a millisecond."""


def give_way() -> None:
    """Lets another thread have its turn, where one has waited for long enough."""
