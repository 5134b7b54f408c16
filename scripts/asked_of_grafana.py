"""What smoke-grafana.sh asks of a Grafana itself: reads each dashboard, asks each query, edits a dashboard.

python scripts/asked_of_grafana.py URL, with its administrator in ROOMWATCH_GRAFANA_USER and ROOMWATCH_GRAFANA_PASSWORD.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

FILES: Final = sorted((Path(__file__).resolve().parents[1] / "dashboards").glob("roomwatch-*.json"))
EDITED: Final = "roomwatch-overview"
WITHIN_MS: Final = 2 * 3_600_000
PROMETHEUS: Final = {"type": "prometheus", "uid": "roomwatch-prometheus"}
POSTGRESQL: Final = {"type": "grafana-postgresql-datasource", "uid": "roomwatch-postgresql"}
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


def queries(dashboard: Any, *, of_store: bool) -> list[Any]:
    """What its panels ask, with every variable set to everything; what Grafana itself fills in stays."""
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", ())]
    found = [
        {"datasource": PROMETHEUS, "expr": _VARIABLE.sub(".*", target["expr"]), "range": True, "maxDataPoints": 100}
        for target in targets
        if "expr" in target
    ]
    if of_store:
        found += [
            {"datasource": POSTGRESQL, "rawSql": _VARIABLE.sub("'all'", target["rawSql"]), "format": target["format"]}
            for target in targets
            if "rawSql" in target
        ]
    return found


def main(url: str) -> None:
    """All of it. Ends with a line that says what is wrong, if something is."""
    asked, of_store = 0, bool(os.environ.get("ROOMWATCH_POSTGRESQL_HOST"))  # noqa: TID251 - a program
    for path in FILES:
        told = ask(url, f"/dashboards/uid/{path.stem}")
        mine = json.loads(path.read_text())
        titles = [[panel["title"] for panel in one["panels"]] for one in (told["dashboard"], mine)]
        if told["meta"]["folderUid"] != "roomwatch" or titles[0] != titles[1]:
            sys.exit(f"{path.stem} is in another folder, or has other panels")
        for query in queries(mine, of_store=of_store):
            ask(url, "/ds/query", {"queries": [{"refId": "A", **query}], "from": "now-1h", "to": "now"})
            asked += 1
    print(f"{len(FILES)} dashboards are there, {asked} queries were answered")
    now_ms = time.time_ns() // 10**6  # noqa: TID251 - a program
    marks = ask(url, f"/annotations?tags=roomwatch&tags=incident&from={now_ms - WITHIN_MS}&to={now_ms}")
    if not any("An incident to be marked" in mark["text"] for mark in marks):
        sys.exit("the mark of the incident is not there")
    edited = ask(url, f"/dashboards/uid/{EDITED}")["dashboard"]
    body = {**edited, "title": "edited by hand"}
    ask(url, "/dashboards/db", {"dashboard": body, "folderUid": "roomwatch", "message": "by hand", "overwrite": False})


if __name__ == "__main__":
    main(sys.argv[1])
