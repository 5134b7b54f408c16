"""Releases over HTTP."""

from httpx import AsyncClient


async def test_a_release_is_told_with_its_intervals_and_verdict(api: AsyncClient) -> None:
    answer = (await api.get("/api/v1/releases", params={"by": "sdk_version", "since": "-2h"})).json()
    (release,) = answer["items"]
    assert (answer["by"], answer["left_out"]) == ("sdk_version", 0)
    assert (release["value"], release["first_seen"], release["sessions"], release["verdict"]) == (
        "2.35.0", "2025-11-24T16:00:00Z", 4, "too_few",
    )  # fmt: skip
    assert (release["reconnected"]["good"], release["reconnected"]["of"]) == (3, 7)
    assert release["joined"]["low"] > 0.6
    assert (release["joined"]["rest_share"], release["joined"]["adjusted_p"]) == (None, None)


async def test_releases_are_of_versions_alone(api: AsyncClient) -> None:
    answer = await api.get("/api/v1/releases", params={"by": "region"})
    assert answer.json()["errors"][0]["allowed"] == ["app_version", "sdk_version"]
