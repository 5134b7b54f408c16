"""What is told of who somebody is."""

from __future__ import annotations

import pytest

from session_core.identity import Telling, as_it_is, hashed, left_out

KEY = b"sixteen bytes or"


@pytest.mark.parametrize(("telling", "told"), [(as_it_is, "alice"), (left_out, None)])
def test_an_identity_is_told_as_it_is_or_left_out(telling: Telling, told: str | None) -> None:
    assert telling("alice") == told


def test_a_hash_tells_who_is_the_same_to_those_who_share_the_key_only() -> None:
    tell = hashed(KEY)
    assert tell("alice") == hashed(KEY)("alice") == "873a7a24820f234fb1cf7cac50d73eda"
    assert len({tell("alice"), tell("bob"), hashed(KEY + b"!")("alice"), "alice"}) == 4


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes, not 6"):
        hashed(b"secret")
