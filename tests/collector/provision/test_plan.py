"""What is there and what should be become changes; what a person made of it is told apart from what we wrote."""

import dataclasses
from typing import Any

import pytest

from collector.provision.plan import (
    BY_FILE,
    MARKER,
    message,
    plan_dashboard,
    plan_data_source,
    plan_folder,
    plan_marks,
    plan_pruned,
)
from collector.provision.values import (
    Dashboard,
    DataSource,
    Folder,
    FoundDashboard,
    FoundDataSource,
    FoundMark,
    Listed,
    Mark,
    Step,
    Verdict,
    Version,
)

HOME = "roomwatch"
OURS = Dashboard("roomwatch-x", "X", {"uid": "roomwatch-x", "title": "X", "panels": [{"id": 1, "title": "Drops"}]})
NEXT = Dashboard("roomwatch-x", "X", {**OURS.body, "panels": [{"id": 1, "title": "Falls"}]})
WRITTEN = Version(4, message("1.0", OURS), "sa-roomwatch")
THEIRS = Version(5, "my edit", "ada")


def found(dashboard: Dashboard = OURS, *versions: Version, **told: Any) -> FoundDashboard:
    body = {**dashboard.body, "id": 9, "version": 4}
    plain = FoundDashboard(dashboard.uid, HOME, 4, body, versions or (WRITTEN,))
    return dataclasses.replace(plain, **told)


def planned(there: FoundDashboard | None, wanted: Dashboard, *, force: bool = False) -> Step:
    return plan_dashboard(there, wanted, HOME, force=force)


def test_what_is_not_there_is_created() -> None:
    step = planned(None, OURS)
    assert (step.verdict, step.payload, step.over) == (Verdict.CREATE, OURS, None)
    assert plan_folder(None, Folder(HOME, "Roomwatch"), force=False).verdict is Verdict.CREATE


def test_what_is_as_it_should_be_is_unchanged_whoever_wrote_it() -> None:
    assert planned(found(), OURS).verdict is Verdict.UNCHANGED
    assert planned(found(OURS, THEIRS), OURS).verdict is Verdict.UNCHANGED
    assert planned(found(versions=()), OURS).verdict is Verdict.UNCHANGED
    assert planned(found(), OURS, force=True).verdict is Verdict.UNCHANGED


def test_what_grafana_made_of_ours_when_it_took_it_in_is_nobodys_edit() -> None:
    migrated = found(body={**OURS.body, "schemaVersion": 42})
    assert planned(migrated, OURS).verdict is Verdict.UNCHANGED


def test_what_was_written_here_last_is_updated_over_the_version_that_was_seen() -> None:
    step = planned(found(), NEXT)
    assert (step.verdict, step.payload, step.over) == (Verdict.UPDATE, NEXT, 4)
    assert step.diff == ('- panels[Drops].title: "Drops"', '+ panels[Drops].title: "Falls"')


def test_a_persons_edit_is_kept_and_shown_from_our_last_version_on() -> None:
    edited = {**OURS.body, "title": "Mine"}
    there = found(OURS, THEIRS, WRITTEN, body=edited, version=5, last_ours=OURS.body)
    step = planned(there, NEXT)
    assert (step.verdict, step.payload) == (Verdict.KEPT, None)
    assert step.why == "was edited in Grafana by ada (version 5); --force overwrites it"
    assert step.diff == ('- title: "X"', '+ title: "Mine"')
    forced = planned(there, NEXT, force=True)
    assert (forced.verdict, forced.over) == (Verdict.UPDATE, 5)


def test_one_that_was_never_written_here_is_kept() -> None:
    step = planned(found(NEXT, THEIRS), OURS)
    assert (step.verdict, step.why) == (Verdict.KEPT, "was not made by roomwatch; --force overwrites it")


def test_one_that_was_moved_is_kept_where_it_is() -> None:
    step = planned(found(folder_uid="elsewhere"), OURS)
    assert step.verdict is Verdict.KEPT
    assert step.why == "was moved to another folder in Grafana; --force overwrites it"
    assert step.diff == ('- folder: "roomwatch"', '+ folder: "elsewhere"')
    assert planned(found(folder_uid="elsewhere"), OURS, force=True).verdict is Verdict.UPDATE


def test_a_file_on_the_server_stays_stronger_even_than_force() -> None:
    assert planned(found(by_file=True), OURS).verdict is Verdict.UNCHANGED
    step = planned(found(by_file=True), NEXT, force=True)
    assert (step.verdict, step.why) == (Verdict.KEPT, BY_FILE)


def test_a_folder_that_a_person_renamed_is_renamed_by_force_only() -> None:
    there, wanted = Folder(HOME, "Mine", 3), Folder(HOME, "Roomwatch")
    assert plan_folder(there, wanted, force=False).verdict is Verdict.KEPT
    assert plan_folder(there, wanted, force=True).diff == ('- title: "Mine"', '+ title: "Roomwatch"')
    assert plan_folder(Folder(HOME, "Roomwatch", 3), wanted, force=True).verdict is Verdict.UNCHANGED


SOURCE = DataSource(
    "roomwatch-pg",
    "PG",
    {"uid": "roomwatch-pg", "name": "PG", "type": "postgres", "url": "db:5432", "jsonData": {"sslmode": "require"}},
    {"password": "geheim"},
)


def source_found(
    written: DataSource = SOURCE, secrets: tuple[str, ...] = ("password",), **told: Any
) -> FoundDataSource:
    """One as Grafana tells of it after it was written here; `told` is what became of it since."""
    _, body = plan_data_source(None, written, force=False, secrets=False).payload
    by_grafana = {"id": 3, "orgId": 1, "user": "", "isDefault": False, "readOnly": False, "version": 2}
    return FoundDataSource(written.uid, {**by_grafana, **body, **told}, frozenset(secrets))


def source_planned(there: FoundDataSource, wanted: DataSource = SOURCE, **told: bool) -> Step:
    return plan_data_source(there, wanted, **{"force": False, "secrets": False, **told})


def test_a_data_source_whose_variables_are_not_set_is_left_out() -> None:
    lacking = dataclasses.replace(SOURCE, missing=("A", "B"))
    step = plan_data_source(None, lacking, force=True, secrets=True)
    assert (step.verdict, step.why, step.payload) == (Verdict.LEFT_OUT, "set A, B for it", None)


def test_a_data_source_is_unchanged_whatever_grafana_adds() -> None:
    assert source_planned(source_found()).verdict is Verdict.UNCHANGED


def test_a_secret_is_sent_where_grafana_has_none_and_when_asked_for_and_never_shown() -> None:
    steps = [source_planned(source_found(secrets=())), source_planned(source_found(), secrets=True)]
    assert [step.verdict for step in steps] == [Verdict.UPDATE] * 2
    assert [step.diff for step in steps] == [("+ secureJsonData.password: (secret)",)] * 2
    assert "geheim" not in repr(steps)


def test_a_data_source_that_nobody_edited_is_updated_and_keeps_what_a_person_chose_beside_it() -> None:
    moved = dataclasses.replace(SOURCE, body={**SOURCE.body, "url": "db2:5432"})
    step = source_planned(source_found(isDefault=True), moved)
    assert (step.verdict, step.diff) == (Verdict.UPDATE, ('- url: "db:5432"', '+ url: "db2:5432"'))
    _, body = step.payload
    assert (body["url"], body["isDefault"], body["jsonData"]["sslmode"]) == ("db2:5432", True, "require")


def test_a_data_source_that_a_person_edited_is_kept_without_force() -> None:
    there = source_found(url="mine:5432")
    step = source_planned(there)
    assert (step.verdict, step.diff) == (Verdict.KEPT, ('- url: "mine:5432"', '+ url: "db:5432"'))
    assert source_planned(there, force=True).verdict is Verdict.UPDATE


def test_what_a_person_added_to_a_data_source_stays() -> None:
    there = source_found()
    added = {**there.body["jsonData"], "maxOpenConns": 5}
    assert source_planned(source_found(jsonData=added)).verdict is Verdict.UNCHANGED
    _, body = source_planned(source_found(jsonData=added), secrets=True).payload
    assert body["jsonData"].keys() == {"sslmode", "maxOpenConns", MARKER}


def test_a_data_source_of_a_file_on_the_server_is_kept() -> None:
    there = dataclasses.replace(source_found(url="file:5432"), by_file=True)
    assert source_planned(there, force=True).why == BY_FILE


def pruned(there: FoundDashboard, *, force: bool = False, **told: Any) -> list[Verdict]:
    one = dataclasses.replace(Listed("roomwatch-old", "Old", HOME, frozenset({"roomwatch"})), **told)
    steps = plan_pruned([one], {OURS.uid}, HOME, {one.uid: there}, force=force)
    return [step.verdict for step in steps]


def test_what_was_made_here_and_is_shipped_no_more_is_deleted() -> None:
    assert pruned(found()) == [Verdict.DELETE]


@pytest.mark.parametrize(
    "told",
    [{"folder_uid": "elsewhere"}, {"tags": frozenset({"team"})}, {"uid": OURS.uid}],
    ids=["folder", "tag", "shipped"],
)
def test_what_is_elsewhere_or_has_no_tag_or_is_shipped_is_not_spoken_of(told: dict[str, Any]) -> None:
    assert pruned(found(), force=True, **told) == []


def test_a_persons_copy_is_not_deleted_by_force_either() -> None:
    assert pruned(found(OURS, THEIRS), force=True) == []


def test_one_that_a_person_edited_is_deleted_by_force_only() -> None:
    edited = found(OURS, THEIRS, WRITTEN, last_ours=OURS.body)
    assert (pruned(edited), pruned(edited, force=True)) == ([Verdict.KEPT], [Verdict.DELETE])
    assert pruned(found(by_file=True), force=True) == [Verdict.KEPT]


MARK = Mark("f-1", "Spike", 1_000, 2_000, "text", ("roomwatch", "incident", "incident:f-1"))


def test_a_mark_is_made_once_and_follows_its_incident() -> None:
    there = FoundMark(7, dataclasses.replace(MARK, title="f-1", tags=tuple(reversed(MARK.tags))))
    grown = dataclasses.replace(MARK, until_ms=3_000)
    verdicts = [
        [(step.verdict, step.payload) for step in plan_marks(*sides)]
        for sides in (([], [MARK]), ([there], [MARK]), ([there], [grown]))
    ]
    assert verdicts == [[(Verdict.CREATE, (None, MARK))], [(Verdict.UNCHANGED, None)], [(Verdict.UPDATE, (7, grown))]]
