"""What smoke-grafana.sh asks of a Grafana itself: reads each dashboard, asks each Prometheus query, edits a dashboard.

python scripts/asked_of_grafana.py URL, with its administrator in ROOMWATCH_GRAFANA_USER and ROOMWATCH_GRAFANA_PASSWORD.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

FILES: Final = sorted((Path(__file__).resolve().parents[1] / "dashboards").glob("roomwatch-*.json"))
EDITED: Final = "roomwatch-overview"
SOURCE: Final = {"type": "prometheus", "uid": "roomwatch-prometheus"}
_VARIABLE: Final = re.compile(r"\$\{?(?!__)\w+(?::\w+)?\}?")
"""Ours; those that begin with two underscores Grafana fills in itself."""


def ask(url: str, path: str, body: Any = None) -> Any:
    """What Grafana answers; a refusal ends the program."""
    user, password = (os.environ[f"ROOMWATCH_GRAFANA_{name}"] for name in ("USER", "PASSWORD"))  # noqa: TID251 - a program
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url.rstrip('/')}/api{path}", data=sent, headers=headers)  # noqa: S310 - as told
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: {error.code} {error.read().decode(errors='replace')[:500]}")


def expressions(dashboard: Any) -> list[str]:
    """The PromQL of its panels, with every variable set to everything; what Grafana itself fills in stays."""
    found = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ()) if target.get("expr")
    ]
    return [_VARIABLE.sub(".*", expr) for expr in found]


def main(url: str) -> None:
    """All of it. Ends with a line that says what is wrong, if something is."""
    asked = 0
    for path in FILES:
        told = ask(url, f"/dashboards/uid/{path.stem}")
        mine = json.loads(path.read_text())
        titles = [[panel["title"] for panel in one["panels"]] for one in (told["dashboard"], mine)]
        if told["meta"]["folderUid"] != "roomwatch" or titles[0] != titles[1]:
            sys.exit(f"{path.stem} is in another folder, or has other panels")
        for expr in expressions(mine):
            query = {"refId": "A", "datasource": SOURCE, "expr": expr, "range": True, "maxDataPoints": 100}
            ask(url, "/ds/query", {"queries": [query], "from": "now-1h", "to": "now"})
            asked += 1
    print(f"{len(FILES)} dashboards are there, {asked} queries were answered")
    edited = ask(url, f"/dashboards/uid/{EDITED}")["dashboard"]
    body = {**edited, "title": "edited by hand"}
    ask(url, "/dashboards/db", {"dashboard": body, "folderUid": "roomwatch", "message": "by hand", "overwrite": False})


if __name__ == "__main__":
    main(sys.argv[1])
