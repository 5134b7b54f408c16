"""By which numbers and words facts are told apart: where they are summed up as they come and where rows are counted."""

from __future__ import annotations

from typing import Final

FLAP_MS: Final = 10_000
"""An outage that begins so soon after the end of the one before is a flap."""
FULL_TOKEN_S: Final = 86_400
"""A token made for less than a day ends calls that last longer."""
OBSERVED: Final = "observed"
"""The policy under which another SDK reconnects: attempts are not ours, and are not told."""
