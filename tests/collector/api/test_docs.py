"""The pages about the API say what is true: their calls are asked, their answers are found in the answers."""

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
from httpx import AsyncClient

from collector.api.problems import STATUS, TITLES

DOCS: Final = Path(__file__).parents[3] / "docs"
PAGE, FIGURES, QUESTIONS, ASKING = (
    (DOCS / name).read_text(encoding="utf-8") for name in ("api.md", "figures.md", "questions.md", "asking.md")
)
ALL: Final = PAGE + FIGURES + QUESTIONS + ASKING
EXAMPLES: Final = re.findall(r"```http\nGET (\S+)\n```\n```json\n(.*?)```", ALL, re.DOTALL)


@pytest.mark.parametrize(("call", "told"), EXAMPLES, ids=[call for call, _ in EXAMPLES])
async def test_a_call_of_the_page_is_answered_as_the_page_says(api: AsyncClient, call: str, told: str) -> None:
    assert list(_differences(json.loads(told), (await api.get(call)).json(), "$")) == []


async def test_every_question_is_on_the_page(api: AsyncClient) -> None:
    paths = (await api.get("/api/v1/openapi.json")).json()["paths"]
    assert [path for path in paths if f"`{path}`" not in PAGE] == []


def test_there_are_ten_questions_and_each_is_asked() -> None:
    parts = re.split(r"^## ", QUESTIONS, flags=re.MULTILINE)[1:]
    assert [part.splitlines()[0] for part in parts if part.count("```http") == 0] == []
    assert len(parts) == 10
    assert len(EXAMPLES) == ALL.count("```http")


def test_every_refusal_is_on_the_page() -> None:
    codes = {*TITLES, *(error.code for error, status in STATUS.items() if status == HTTPStatus.NOT_FOUND)}
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []


def _differences(told: Any, found: Any, where: str) -> list[str]:
    """Where what is told is not a part of what was found; a list is told from its beginning."""
    if isinstance(told, dict) and isinstance(found, dict):
        return [one for name in told for one in _differences(told[name], found.get(name), f"{where}.{name}")]
    if isinstance(told, list) and isinstance(found, list) and len(told) <= len(found):
        pairs = enumerate(zip(told, found, strict=False))
        return [one for place, (a, b) in pairs for one in _differences(a, b, f"{where}[{place}]")]
    return [] if told == found else [f"{where}: the page says {told!r}, the answer {found!r}"]
