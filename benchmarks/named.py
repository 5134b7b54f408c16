"""Runs the collector as `python -m collector` does, its threads named as the kernel shows them: loop, merger, writer.

    python benchmarks/named.py run

Python tells the kernel its threads' names from 3.14 on; before that all of them are called as the program is.
"""

from __future__ import annotations

import ctypes
import runpy
import sys
import threading

PR_SET_NAME = 15
NAME_BYTES_MAX = 15


def _name(name: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:NAME_BYTES_MAX], 0, 0, 0)


def _name_threads() -> None:
    as_it_was = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        _name(thread.name)
        as_it_was(thread)

    threading.Thread.run = run  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    _name_threads()
    _name("loop")
    sys.path.pop(0)  # this folder: a script's own comes first, and its files are nobody's packages
    runpy.run_module("collector", run_name="__main__", alter_sys=True)
