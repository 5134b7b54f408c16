"""A collector in two processes: one that reads and stores, one that answers, over one store."""

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.histories import fleet
from tests.servers.postgresql import PostgreSQL
from tests.stage import Running, Stage
from tests.waiting import wait_until

NOWHERE = "127.0.0.1:1"


def answer(running: Running, path: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"{running.url}{path}", timeout=10) as found:  # noqa: S310 - our own, on 127.0.0.1
            return found.status, json.load(found)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def checks(running: Running) -> list[str]:
    return [check["name"] for check in running.readiness()["checks"]]


def test_one_process_stores_and_another_answers_without_kafka(stage: Stage) -> None:
    lives = fleet(20)
    session = f"/api/v1/sessions/{lives[0].session_id}"
    with (
        stage.collector("--only", "ingest") as stores,
        stage.collector("--only", "api", kafka_bootstrap_servers=NOWHERE) as answers,
    ):
        stage.until_stored(stage.tell(lives))
        wait_until(lambda: stores.readiness()["ready"])
        assert answer(answers, session)[1]["session"]["session_id"] == str(lives[0].session_id)
        assert answer(stores, session)[0] == 404
        assert stores.metric("rtc_collector_batch_events_sum") > 0
        assert answers.metric("rtc_collector_batch_events_sum") == 0
        assert checks(stores) == ["running", "kafka", "store", "assignment", "freshness", "clock"]
        assert (checks(answers), answers.readiness()["ready"]) == (["running", "store"], True)
        for running in (stores, answers):
            running.interrupt(signal.SIGTERM)
            assert running.exit_code() == 0
    stage.assert_told_exactly_once(lives)


def test_a_process_that_answers_says_that_the_store_is_away_and_that_it_is_back(
    postgresql: PostgreSQL, postgresql_url: str, make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage(postgresql_url)
    with stage.collector("--only", "api", kafka_bootstrap_servers=NOWHERE) as answers:
        postgresql.kill()
        try:
            found = answers.readiness()
        finally:
            postgresql.start()
        assert [(check["name"], check["ok"]) for check in found["checks"]] == [("running", True), ("store", False)]
        wait_until(lambda: answers.readiness()["ready"])
