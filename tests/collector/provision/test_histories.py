"""Whatever people and releases do in turn: a run is at rest after itself, and loses nobody's edit but by force."""

from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.provision.grafana import Credentials, Grafana
from collector.provision.run import CHANGES, Choice, Wanted, look, make
from collector.provision.values import Dashboard, Folder, Json, Verdict
from tests.servers.grafana_calls import State
from tests.servers.grafana_stub import ADMIN_TOKEN, GrafanaStub

FOLDER = Folder("roomwatch", "Roomwatch")
UID = "roomwatch-x"
ACTS = st.lists(st.sampled_from(["release", "run", "force", "edit", "edit back", "move", "rename folder"]), max_size=8)


def board(number: int) -> Dashboard:
    return Dashboard(UID, "X", {"uid": UID, "title": "X", "tags": ["roomwatch"], "panels": [{"id": number}]})


def written_over(wanted: Json, body: dict[str, Any]) -> None:
    body.update(wanted)


def run(grafana: Grafana, release: int, *, force: bool) -> list[Verdict]:
    steps = look(grafana, Wanted(FOLDER, [], [board(release)]), Choice(force=force))
    return [make(grafana, step, FOLDER, "1.0", force=force).verdict for step in steps]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, migrates=st.booleans(), wraps=st.booleans(), forced=st.booleans())
def test_a_run_is_at_rest_after_itself_and_keeps_what_a_person_wrote_last(
    stub: GrafanaStub, acts: list[str], *, migrates: bool, wraps: bool, forced: bool
) -> None:
    stub.state = State(migrates=migrates, wraps_versions=wraps)
    grafana = Grafana(stub.url, Credentials("here", token=ADMIN_TOKEN), 5)
    release = 1
    run(grafana, release, force=False)
    held = stub.state.dashboards[UID]
    for act in acts:
        held = stub.state.dashboards[UID]
        if act == "release":
            release += 1
        elif act in {"run", "force"}:
            run(grafana, release, force=act == "force")
        elif act == "edit":
            stub.state.edit(UID, lambda body: body.update(title="mine"))
        elif act == "edit back":
            stub.state.edit(UID, partial(written_over, board(release).body))
        elif act == "move":
            held.folder_uid = "elsewhere"
        else:
            stub.state.folders["roomwatch"]["title"] = "Mine"
    before = stub.state.dashboards[UID]
    run(grafana, release, force=forced)
    after = stub.state.dashboards[UID]
    if forced:
        assert (after.folder_uid, after.body["title"], after.body["panels"]) == ("roomwatch", "X", [{"id": release}])
    elif before.versions[-1][2] == "ada" or before.folder_uid == "elsewhere":
        assert after == before
    else:
        assert after.body["panels"] == [{"id": release}]
    written = list(stub.written)
    assert not CHANGES.intersection(run(grafana, release, force=False))
    assert stub.written == written
