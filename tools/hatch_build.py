"""Compiles the collector's hot path into the wheel, by mypyc, where that is asked for; else the wheel is pure Python.

    ROOMWATCH_COMPILE=1 pip wheel --no-deps --no-build-isolation .

The files stay in the wheel as they are: they are the reference, and what a traceback shows. Which files are compiled is
said in pyproject.toml.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompilingHook(BuildHookInterface):  # type: ignore[type-arg]
    """The build hook that pyproject.toml names."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the compiled modules to the wheel, which then is one for this interpreter and this kind of machine."""
        if version == "editable" or not os.environ.get("ROOMWATCH_COMPILE"):  # noqa: TID251 - a builder's switch
            return
        self._folder = Path(tempfile.mkdtemp(prefix="roomwatch-compiled-"))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for built, place in self._compiled():
            build_data["force_include"][str(built)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel has what it needs."""
        del version, artifact_path
        if build_data.get("infer_tag"):
            shutil.rmtree(self._folder)

    def _compiled(self) -> list[tuple[Path, str]]:
        # Who compiles needs them. setuptools first: from Python 3.12 on it brings the distutils that mypyc wants.
        from setuptools import Distribution  # noqa: PLC0415 # isort: skip
        from setuptools.command.build_ext import build_ext  # noqa: PLC0415 # isort: skip
        from mypyc.build import mypycify  # noqa: PLC0415 # isort: skip

        lib = self._folder / "lib"
        with chdir(self.root):
            extensions = mypycify(self.config["modules"], opt_level="3", target_dir=str(self._folder / "c"))
            command = build_ext(Distribution({"name": "roomwatch", "ext_modules": extensions}))
            command.build_lib, command.build_temp = str(lib), str(self._folder / "temp")
            command.ensure_finalized()
            command.run()
        return [(built, str(built.relative_to(lib))) for built in sorted(lib.rglob("*.so"))]
