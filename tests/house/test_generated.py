"""What is made from the code is what the code makes."""

from tools.generate import differing


def test_every_generated_file_is_what_make_generate_would_write() -> None:
    assert differing() == []
