"""`roomwatch provision` as people meet it: run against a Grafana, read by its output and exit code."""

from pathlib import Path

import pytest

from tests.collector.provision.conftest import Run, board
from tests.servers.grafana_calls import Held, refused
from tests.servers.grafana_stub import ADMIN_TOKEN, EDITOR_TOKEN, PASSWORD, GrafanaStub


def rows(said: str) -> list[str]:
    """What is said of each thing, without spaces that align it."""
    return [" ".join(line.split()) for line in said.splitlines()]


def test_a_run_makes_everything_and_the_next_finds_nothing_to_do(
    stub: GrafanaStub, provision: Run, provision_process: Run
) -> None:
    shown = provision("--dry-run")
    assert (shown.returncode, stub.written) == (1, [])
    assert rows(shown.stdout)[-1].endswith("4 to create, 1 left out; nothing was done")
    made = provision_process()
    assert (made.returncode, made.stderr, rows(made.stdout)) == (
        0,
        "",
        [
            "created folder Roomwatch",
            "created data source Roomwatch Prometheus",
            "left out data source Roomwatch store set ROOMWATCH_PG_HOST for it",
            "created dashboard a",
            "created dashboard b",
            f"Grafana 11.6.16 at {stub.url}: 4 created, 1 left out",
        ],
    )
    assert {held.folder_uid for held in stub.state.dashboards.values()} == {"roomwatch"}
    written = list(stub.written)
    again = provision("--prune")
    assert (again.returncode, stub.written) == (0, written)
    assert rows(again.stdout)[-1] == f"Grafana 11.6.16 at {stub.url}: nothing to do, 4 are as they should be"


def test_a_grafana_that_changes_what_it_takes_in_is_at_rest_after_one_run_too(
    stub: GrafanaStub, provision: Run
) -> None:
    stub.state.migrates = True
    assert [provision().returncode for _ in range(2)] == [0, 0]
    assert [held.number for held in stub.state.dashboards.values()] == [1, 1]


def test_what_a_person_edited_is_shown_and_kept_and_written_over_by_force(
    stub: GrafanaStub, files: Path, provision: Run
) -> None:
    provision()
    stub.state.edit("roomwatch-a", lambda body: body["panels"][0].update(title="Mine"))
    (files / "roomwatch-b.json").write_text(board("b", "b, better"))
    kept = provision()
    assert kept.returncode == 1
    assert rows(kept.stdout)[3:] == [
        "not changed dashboard a was edited in Grafana by ada (version 2); --force overwrites it",
        '- panels[Drops].title: "Drops"',
        '+ panels[Drops].title: "Mine"',
        "updated dashboard b, better",
        f"Grafana 11.6.16 at {stub.url}: 1 updated, 2 unchanged, 1 not changed, 1 left out",
    ]
    assert stub.state.dashboards["roomwatch-a"].body["panels"][0]["title"] == "Mine"
    shown = provision("--force", "--diff")
    assert shown.returncode == 1
    assert '+ panels[Mine].title: "Drops"' in rows(shown.stdout)
    assert provision("--force").returncode == 0
    assert stub.state.dashboards["roomwatch-a"].body["panels"][0]["title"] == "Drops"
    assert provision("--dry-run").returncode == 0


def test_an_edit_between_the_look_and_the_writing_is_not_written_over(
    stub: GrafanaStub, files: Path, provision: Run
) -> None:
    provision()
    (files / "roomwatch-a.json").write_text(board("a", "a, better"))

    def edit(named: str) -> None:
        if named == "POST /dashboards/db":
            stub.before = lambda _: None
            stub.state.edit("roomwatch-a", lambda body: body.update(title="mine"))

    stub.before = edit
    ended = provision()
    assert ended.returncode == 1
    assert rows(ended.stdout)[3:6] == [
        "not changed dashboard a, better was edited in Grafana by ada (version 2); --force overwrites it",
        '- title: "a"',
        '+ title: "mine"',
    ]
    assert stub.state.dashboards["roomwatch-a"].body["title"] == "mine"


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("name-exists", "another dashboard of the folder has this title: rename that one, and run again"),
        ("plugin-dashboard", "belongs to a plugin of Grafana's; --force overwrites it"),
        ("version-mismatch", "was changed meanwhile (Grafana says: version-mismatch); run again"),
    ],
)
def test_what_grafana_refuses_is_told_with_what_to_do(stub: GrafanaStub, provision: Run, status: str, why: str) -> None:
    no = refused(412, "no", status=status)
    stub.before = lambda named: no if named == "POST /dashboards/db" else None
    done = provision()
    assert (done.returncode, stub.state.dashboards) == (1, {})
    assert rows(done.stdout)[3:5] == [f"not changed dashboard {name} {why}" for name in "ab"]


def test_prune_deletes_what_was_made_here_and_nothing_of_anybody_else(
    stub: GrafanaStub, files: Path, provision: Run
) -> None:
    provision()
    stub.state.dashboards["copy"] = Held(
        "roomwatch", [(1, "", "ada", {"uid": "copy", "title": "a, my copy", "tags": ["roomwatch"]})]
    )
    (files / "roomwatch-b.json").unlink()
    assert provision("--dry-run").returncode == 0
    ended = provision("--prune")
    assert ended.returncode == 0
    assert "deleted dashboard b is shipped no more" in rows(ended.stdout)
    assert sorted(stub.state.dashboards) == ["copy", "roomwatch-a"]


def test_a_data_source_gets_its_password_from_the_environment_and_nobody_is_told_it(
    stub: GrafanaStub, provision: Run
) -> None:
    given = {"pg_host": "db:5432", "pg_password": "geheim"}
    made = provision("--diff", **given), provision(**given), provision(**given)
    assert [one.returncode for one in made] == [1, 0, 0]
    assert stub.state.secrets["roomwatch-store"] == {"password": "geheim"}
    provision("--passwords", **{**given, "pg_password": "geheimer"})
    assert stub.state.secrets["roomwatch-store"] == {"password": "geheimer"}
    assert [one for one in made if "geheim" in one.stdout + one.stderr] == []


def test_an_editor_provisions_all_but_data_sources_and_is_told_which_role_those_need(
    stub: GrafanaStub, provision: Run
) -> None:
    ended = provision(grafana_token=EDITOR_TOKEN)
    assert (ended.returncode, ended.stdout, stub.written) == (2, "", [])
    assert "show the data source roomwatch-prometheus (403); it needs the role Admin" in ended.stderr
    assert provision(grafana_token=EDITOR_TOKEN, prometheus_url="").returncode == 0


def test_what_was_done_is_said_when_a_later_thing_fails(stub: GrafanaStub, provision: Run) -> None:
    stub.before = lambda named: refused(500, "disk full") if named == "POST /dashboards/db" else None
    ended = provision()
    assert ended.returncode == 2
    assert rows(ended.stdout)[-1] == f"Grafana 11.6.16 at {stub.url}: 2 created, 1 left out, 2 not come to"
    assert ended.stderr == (
        f"roomwatch: Grafana at {stub.url} refused to save the dashboard roomwatch-a (500): "
        "'disk full'; its log says more\n"
    )
    stub.before = lambda _: None
    assert rows(provision().stdout)[-1].endswith("2 created, 2 unchanged, 1 left out")


def test_credentials_are_needed_and_may_lie_in_a_file(provision: Run, tmp_path: Path) -> None:
    without = provision(grafana_token="")
    assert (without.returncode, without.stderr) == (
        2,
        "roomwatch: grafana_token: is needed; set ROOMWATCH_GRAFANA_TOKEN, or ROOMWATCH_GRAFANA_TOKEN_FILE\n",
    )
    file = tmp_path / "token"
    file.write_text(f"{ADMIN_TOKEN}\n")
    assert provision("--dry-run", grafana_token="", grafana_token_file=file).returncode == 1
    file.write_text("")
    assert "is no token" in provision(grafana_token="", grafana_token_file=file).stderr
    assert provision("--dry-run", grafana_token="", grafana_user="admin", grafana_password=PASSWORD).returncode == 1
