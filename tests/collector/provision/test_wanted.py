"""What should be in Grafana is read from the files that Grafana itself could read."""

import json
from pathlib import Path
from typing import Any

import pytest

from collector.errors import ConfigError
from collector.provision.values import Folder
from collector.provision.wanted import data_source, read_dashboards, read_data_sources, read_folder
from collector.shipped import dashboards_dir

HERE = {"ROOMWATCH_PROMETHEUS_URL": "http://p:9090", "ROOMWATCH_URL": "http://r"}


def test_the_shipped_files_are_a_folder_dashboards_with_uids_and_data_sources() -> None:
    shipped = dashboards_dir()
    dashboards = read_dashboards(shipped)
    assert read_folder(shipped) == Folder("roomwatch", "Roomwatch")
    assert {one.uid for one in dashboards} == {path.stem for path in shipped.glob("roomwatch-*.json")}
    assert [one.uid for one in dashboards if "roomwatch" not in one.body["tags"]] == []
    prometheus = next(one for one in read_data_sources(shipped, HERE) if one.uid == "roomwatch-prometheus")
    assert (prometheus.body["url"], prometheus.missing) == ("http://p:9090", ())
    (exemplars,) = prometheus.body["jsonData"]["exemplarTraceIdDestinations"]
    assert exemplars["url"] == "http://r/sessions/${__value.raw}"


def test_every_shipped_data_source_has_its_secrets_from_variables_alone() -> None:
    nothing = read_data_sources(dashboards_dir(), {})
    assert [one.secrets for one in nothing] == [{}] * len(nothing)
    assert [one.uid for one in nothing if not one.missing] == []


TOLD: dict[str, Any] = {
    "name": "PG",
    "uid": "pg",
    "orgId": 1,
    "version": 3,
    "url": "$HOST:${PORT}",
    "jsonData": {"database": "a$$b", "maxOpenConns": 5},
    "secureJsonData": {"password": "$PASSWORD"},
}


def test_variables_are_filled_in_as_grafana_does_it() -> None:
    source = data_source(TOLD, {"HOST": "db", "PORT": "5432", "PASSWORD": "geheim"})
    assert source.body == {
        "name": "PG",
        "uid": "pg",
        "url": "db:5432",
        "jsonData": {"database": "a$b", "maxOpenConns": 5},
    }
    assert (source.secrets, source.missing) == ({"password": "geheim"}, ())
    assert "geheim" not in repr(source)


def test_variables_that_are_not_set_or_empty_are_named_once_and_a_password_may_be_missing() -> None:
    source = data_source({**TOLD, "user": "$HOST"}, {"PORT": ""})
    assert (source.missing, source.secrets) == (("HOST", "PORT"), {})


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("{", "cannot be read"),
        ("[]", "is no dashboard"),
        ('{"title": "X"}', "is no dashboard"),
        (json.dumps({"uid": "x", "title": "X", "elements": {}}), "is in the second format"),
    ],
)
def test_a_file_that_is_no_dashboard_is_one_line(tmp_path: Path, text: str, saying: str) -> None:
    (tmp_path / "roomwatch-x.json").write_text(text)
    with pytest.raises(ConfigError, match=rf"roomwatch-x\.json: {saying}"):
        read_dashboards(tmp_path)


def test_a_folder_without_files_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no dashboard"):
        read_dashboards(tmp_path)
    with pytest.raises(ConfigError, match="holds no file provisioning"):
        read_folder(tmp_path)
    assert read_data_sources(tmp_path, {}) == []


def test_a_file_that_is_not_yaml_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "provisioning" / "datasources"
    folder.mkdir(parents=True)
    (folder / "x.yml").write_text("a: [")
    with pytest.raises(ConfigError, match=r"x\.yml: cannot be read"):
        read_data_sources(tmp_path, {})
