"""The catalogue of codes over HTTP, and what codes mean to people."""

from httpx import AsyncClient

from collector.api.meanings import MEANINGS, meaning
from session_core.errors import CATALOGUE


async def test_the_whole_catalogue_is_told(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/codes")).json()
    assert [one["code"] for one in answer["items"]] == list(CATALOGUE)
    assert answer == {"items": answer["items"], "next": None, "completeness": None}


async def test_a_code_says_what_it_means_and_what_to_do(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/codes/53002")).json()
    assert answer == {
        "code": 53002,
        "name": "SignalingConnectionTimeoutError",
        "message": "Signaling connection timed out",
        "appears": ["disconnected"],
        "ends_as": "dropped",
        "meaning": MEANINGS[53002].says,
        "likely_causes": list(MEANINGS[53002].causes),
        "what_to_do": MEANINGS[53002].do,
    }


async def test_a_code_that_the_catalogue_lacks_is_a_problem(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/codes/59999")
    assert (answer.status_code, answer.json()["code"]) == (404, "code-not-found")


def test_meanings_are_of_codes_that_exist() -> None:
    assert MEANINGS.keys() <= CATALOGUE.keys()


def test_a_code_without_a_meaning_speaks_by_its_message() -> None:
    assert meaning(53404) == "No supported codec."
    assert meaning(59999) == "A code of the server's own."
