"""What a runbook offers at night can be asked: queries parse and name what exists, calls and commands are answered."""

import re
from html import unescape

import promql_parser
import pytest
from httpx import ASGITransport, AsyncClient
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, text

from collector.metrics import Metrics
from collector.store.engine import make_engine
from session_core.errors import CATALOGUE
from tests.dashboards.rule_files import ROOT, alerts, recorded
from tests.dashboards.shown import UIDS
from tests.plain_app import plain_app
from tests.stage import roomwatch

SECTIONS = ["Users", "First looks", "Likely causes", "What to do", "When to stop"]
LOOKS = 3
BODIES = dict(
    part.split("\n", 1)
    for part in re.split(r"^## ", (ROOT / "docs" / "runbooks.md").read_text(), flags=re.MULTILINE)[1:]
)
CODES = [code for body in BODIES.values() for code in re.findall(r"`([^`]+)`", body)]
METRICS = {metric.name for metric in Metrics(CollectorRegistry(), version="1").listed}
PROMQL = [code for code in CODES if "rtc_" in code and ("(" in code or "{" in code)]
SQL = [code for code in CODES if code.startswith("SELECT ")]
CALLS = [code for code in CODES if code.startswith("/api/v1/")]
COMMANDS = sorted({code for code in CODES if code.startswith("roomwatch ")})
NOW_US = 1_795_000_000_000_000


def looks_of(body: str) -> list[str]:
    return re.findall(r"^\d\. (.+)$", body, re.MULTILINE)


@pytest.mark.parametrize("name", BODIES)
def test_a_runbook_has_its_sections_in_order_and_three_looks(name: str) -> None:
    body = BODIES[name]
    assert re.findall(r"^\*\*([\w ]+)\.\*\*", body, re.MULTILINE) == SECTIONS
    assert len(looks_of(body)) == LOOKS
    assert [look for look in looks_of(body) if "`" not in look] == []


@pytest.mark.parametrize("expr", PROMQL)
def test_a_query_for_prometheus_is_one_of_what_there_is(expr: str) -> None:
    assert promql_parser.parse(expr) is not None
    named = set(re.findall(r"\b(?:[a-z]\w*(?::\w+)+|rtc_\w+)\b", re.sub(r'"[^"]*"', '""', expr)))
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in named - recorded()} <= METRICS


@pytest.mark.parametrize("statement", SQL)
def test_a_query_for_the_store_can_be_run(empty_engine: Engine, statement: str) -> None:
    with empty_engine.connect() as connection:
        assert connection.execute(text(statement)).all() == []


def test_postgresql_runs_them_too(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    with engine.connect() as connection:
        answers = [connection.execute(text(statement)).all() for statement in SQL]
    engine.dispose()
    assert answers == [[]] * len(SQL)


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_is_one_that_the_api_answers(empty_engine: Engine, call: str) -> None:
    app = plain_app(empty_engine, NOW_US)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.get(call)
    assert answer.status_code == 200, answer.text


async def test_a_collector_serves_what_its_alerts_lead_to(empty_engine: Engine) -> None:
    transport = ASGITransport(plain_app(empty_engine, NOW_US))
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        page = (await client.get("/docs/runbooks.md")).text
        there = set(re.findall(r'<h[12] id="([^"]+)"', page))
        linked = set(re.findall(r'href="(/api/[^"]+|/codes/[^"]+)"', page))
        answers = {link: (await client.get(unescape(link))).status_code for link in linked}
    wanted = {str(alert["annotations"]["runbook_url"]).rsplit("#", 1)[-1] for alert in alerts()}
    assert len(wanted) > LOOKS
    assert wanted <= there
    assert len(linked) > LOOKS
    assert {link: status for link, status in answers.items() if status != 200} == {}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_that_there_is(command: str) -> None:
    assert roomwatch(*command.split()[1:], "--help").returncode == 0


def test_dashboards_errors_and_kinds_of_queries_are_there_to_be_checked() -> None:
    assert set(re.findall(r"/d/([\w-]+)", " ".join(CODES))) <= set(UIDS)
    told = {int(code) for body in BODIES.values() for code in re.findall(r"\b(?:20|53)\d{3}\b", body)}
    assert told <= {row.code for row in CATALOGUE.values()}
    assert min(len(PROMQL), len(SQL), len(CALLS), len(COMMANDS), len(told)) >= LOOKS
