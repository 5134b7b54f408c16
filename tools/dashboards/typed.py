"""Dashboards as TypeScript, so that Grafana's own types of a major can be held against them.

JSON cannot name a member of an enum: `Plain` takes its value instead. `targets` are checked elsewhere: their types are
those of data sources, and so is what an annotation asks. What a panel of each kind may have as options, and as `custom`
of its fields, is checked too; of those `Some` may be missing, for which Grafana has defaults that differ by version.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

MAJORS: Final = (10, 11, 12, 13)
PLAIN: Final = """type Plain<T> = T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Some<T> = T extends (infer U)[] ? Some<U>[] : T extends object ? { [K in keyof T]?: Some<T[K]> } : T;
"""
KINDS: Final = {
    "stat": "stat",
    "timeseries": "timeseries",
    "bargauge": "bargauge",
    "heatmap": "heatmap",
    "table": "table",
    "state-timeline": "statetimeline",
}
"""Kinds of panels, and what the package calls them."""
UNTYPED: Final = {"state-timeline": ("spanNulls",)}
"""What Grafana's panel has among its settings, read in its source, and its published types have not."""
COMPILER: Final[Json] = {
    "strict": True,
    "noEmit": True,
    "module": "esnext",
    "moduleResolution": "bundler",
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "skipLibCheck": True,
    "types": [],
}
WITH_CUSTOM: Final = frozenset({"timeseries", "table", "state-timeline", "heatmap"})


def write(dashboards: Iterable[Json], folder: Path, packages: Path) -> list[Path]:
    """Writes a project of TypeScript a major into `folder`; `packages` is where npm has put Grafana's types."""
    told = list(dashboards)
    projects = []
    for major in MAJORS:
        project = folder / f"v{major}"
        project.mkdir(parents=True, exist_ok=True)
        (project / "dashboards.ts").write_text("\n".join(_lines(told, major, packages)))
        # Types of panels name the package by its own name, of which there are four here.
        of_major = {"@grafana/schema": [f"{packages}/gs{major}"]}
        options = COMPILER | {"paths": of_major}
        (project / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
        projects.append(project)
    return projects


def complaints(project: Path, packages: Path, node: Path) -> str:
    """What the compiler says of a project; nothing when all is in order."""
    tsc = packages / "typescript" / "bin" / "tsc"
    done = subprocess.run([str(node), str(tsc), "-p", str(project)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _lines(dashboards: Iterable[Json], major: int, packages: Path) -> Iterator[str]:
    yield 'import type { Dashboard } from "@grafana/schema";'
    for name in KINDS.values():
        yield f'import type * as {name} from "{_types_of(packages, major, name)}";'
    yield PLAIN
    for dashboard in dashboards:
        name = str(dashboard["uid"]).replace("-", "_")
        yield f"export const {name}: Plain<Dashboard> = {json.dumps(_without_queries(dashboard), indent=1)};"
        for panel in dashboard["panels"]:
            if panel["type"] not in KINDS:
                continue
            kind, number = KINDS[panel["type"]], panel["id"]
            options = json.dumps(panel["options"], indent=1)
            yield f"export const {name}_{number}: Some<Plain<{kind}.Options>> = {options};"
            custom = panel["fieldConfig"]["defaults"].get("custom")
            if custom is not None and panel["type"] in WITH_CUSTOM:
                typed = {key: value for key, value in custom.items() if key not in UNTYPED.get(panel["type"], ())}
                text = json.dumps(typed, indent=1)
                yield f"export const {name}_{number}_custom: Some<Plain<{kind}.FieldConfig>> = {text};"


def _without_queries(dashboard: Json) -> Json:
    notes = [
        {key: value for key, value in note.items() if key != "titleFormat"}
        | ({"target": {"refId": note["target"]["refId"]}} if "target" in note else {})
        for note in dashboard["annotations"]["list"]
    ]
    return dashboard | {"annotations": {"list": notes}}


def _types_of(packages: Path, major: int, name: str) -> str:
    found = sorted((packages / f"gs{major}" / "dist").glob(f"*/raw/composable/{name}/panelcfg/x/*types.gen.d.ts"))
    return str(found[-1]).removesuffix(".d.ts")
