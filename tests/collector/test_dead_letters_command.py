"""`roomwatch dead-letters`: what was refused is found, shown and, where it can be taken now, sent again."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from collector.ingest.connection import KafkaConnection
from collector.ingest.dead_letters import DeadLetters, Letter
from collector.store.changes import Changes, DeadLetter
from collector.store.dead_letters import VALUE_BYTES_MAX
from collector.store.writer import Writer
from tests.histories import START_US, Life, Sent, session_id
from tests.stage import Stage, roomwatch

MINUTE_US = 60_000_000
HOSTILE = "\x1b[2J" + "x" * 100


def letters(stage: Stage, *arguments: str) -> tuple[int, str, str]:
    """Runs the command on the stage."""
    done = roomwatch(
        "dead-letters",
        *arguments,
        database_url=stage.url,
        kafka_bootstrap_servers=stage.kafka.bootstrap,
        kafka_topic=stage.topic,
        kafka_group=stage.group,
    )
    return done.returncode, done.stdout, done.stderr


def refuse(stage: Stage, *refused: DeadLetter) -> None:
    """What a collector does with a record that it cannot take: the topic, then the store."""

    async def put() -> None:
        topic = DeadLetters(KafkaConnection(stage.kafka.bootstrap), stage.topic, version="0.0.9")
        await topic.put([Letter(one, [("traceparent", b"00-1")]) for one in refused])
        await topic.close()

    asyncio.run(put())
    Writer(stage.engine, "cluster", stage.topic, stage.group).write(Changes(dead_letters=list(refused)), START_US)


def letter(stage: Stage, offset: int, sent: Sent | None = None, **facts: Any) -> DeadLetter:
    """A letter of partition 1; without `sent` one that no version will ever take."""
    key, value = (b"key", b"{") if sent is None else (sent.key(), sent.value())
    told = {"reason": "not-json" if sent is None else "store-refused", "place": "$", "detail": "no", "value": value}
    return DeadLetter(
        topic=stage.topic, partition=1, offset=offset, append_at=START_US + offset * MINUTE_US, key=key, **told | facts
    )


@pytest.fixture
def two(make_stage: Callable[..., Stage]) -> Stage:
    """A stage with two letters: the first can be taken by now."""
    stage = make_stage()
    life = Life(session_id(1)).connecting()
    refuse(stage, letter(stage, 0, life.sent[0]), letter(stage, 1, detail=HOSTILE))
    return stage


def test_a_store_without_letters_says_so(stage: Stage) -> None:
    assert letters(stage, "list") == (0, "no dead letters\n", "")
    assert letters(stage, "list", "--by-reason") == (0, "no dead letters\n", "")
    assert letters(stage, "list", "--format", "json")[1].strip() == ""


def test_they_are_listed_with_place_and_reason_the_newest_first_and_cannot_speak_to_the_terminal(two: Stage) -> None:
    assert letters(two, "list")[1] == (
        "APPENDED                  WHERE  REASON         PLACE  DETAIL\n"
        f"2025-11-24T16:01:00.000Z  1/1    not-json       $      \\x1b[2J{'x' * 72}…\n"
        "2025-11-24T16:00:00.000Z  1/0    store-refused  $      no\n"
        "2 dead letters; `roomwatch dead-letters show WHERE` shows one\n"
    )


@pytest.mark.parametrize(
    ("arguments", "offsets"),
    [
        ((), [1, 0]),
        (("--reason", "not-json"), [1]),
        (("--reason", "not-json", "--reason", "store-refused"), [1, 0]),
        (("--partition", "2"), []),
        (("--partition", "1"), [1, 0]),
        (("--from", "2025-11-24T16:00:30Z"), [1]),
        (("--from", "2025-11-24T16:00:00Z", "--to", "2025-11-24T16:01:00Z"), [0]),
        (("--limit", "1"), [1]),
    ],
)
def test_filters_name_those_that_all_of_them_fit(two: Stage, arguments: tuple[str, ...], offsets: list[int]) -> None:
    code, out, _ = letters(two, "list", "--format", "json", *arguments)
    assert (code, [json.loads(line)["offset"] for line in out.splitlines() if line]) == (0, offsets)


def test_a_reason_that_there_is_not_is_refused_with_those_that_there_are(two: Stage) -> None:
    code, out, errors = letters(two, "list", "--reason", "nonsense")
    assert (code, out) == (2, "")
    assert "nonsense is no reason; there are empty, too-large, not-utf8" in errors


def test_they_are_counted_by_reason(two: Stage) -> None:
    assert letters(two, "list", "--by-reason")[1] == (
        "LETTERS  REASON         FIRST                     LAST\n"
        "1        not-json       2025-11-24T16:01:00.000Z  2025-11-24T16:01:00.000Z\n"
        "1        store-refused  2025-11-24T16:00:00.000Z  2025-11-24T16:00:00.000Z\n"
    )
    counts = [json.loads(line) for line in letters(two, "list", "--by-reason", "--format", "json")[1].splitlines()]
    assert counts[0] == {
        "reason": "not-json",
        "letters": 1,
        "first": "2025-11-24T16:01:00.000Z",
        "last": "2025-11-24T16:01:00.000Z",
    }


def test_one_is_shown_whole(two: Stage) -> None:
    assert letters(two, "show", "1/1")[1] == (
        f"topic             {two.topic}\n"
        "partition/offset  1/1\n"
        "appended          2025-11-24T16:01:00.000Z\n"
        "refused           2025-11-24T16:00:00.000Z\n"
        "sent again        no\n"
        "reason            not-json\n"
        "place             $\n"
        f"detail            \\x1b[2J{'x' * 100}\n"
        "key               key\n"
        "value             1 bytes\n"
        "\n"
        "{\n"
    )


def test_the_value_alone_comes_byte_for_byte_and_a_cut_one_is_no_success(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    refuse(stage, letter(stage, 0, value=b"short"), letter(stage, 1, value=b"x" * (VALUE_BYTES_MAX + 1)))
    assert letters(stage, "show", "1/0", "--value") == (0, "short", "")
    assert letters(stage, "show", "1/1", "--value") == (1, "x" * VALUE_BYTES_MAX, "")
    assert "16,384 bytes, cut: the topic of dead letters has all of it" in letters(stage, "show", "1/1")[1]
    told = json.loads(letters(stage, "list", "--format", "json", "--limit", "1")[1])
    assert (told["value_is_cut"], base64.b64decode(told["value"])) == (True, b"x" * VALUE_BYTES_MAX)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "1/7"), "no dead letter of record 1/7 of topic {topic} is stored; `roomwatch dead-letters list`"),
        (("show", "seven"), "seven is not PARTITION/OFFSET, such as 3/1042"),
        (("list", "--from", "soon"), "soon is not a time"),
        (("list", "--limit", "0"), "0 is not above 0"),
        ((), "the following arguments are required: VERB"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    make_stage: Callable[..., Stage], arguments: tuple[str, ...], says: str
) -> None:
    stage = make_stage()
    code, out, err = letters(stage, *arguments)
    assert (code, out) == (2, "")
    assert says.format(topic=stage.topic) in err


def test_what_can_be_taken_now_is_sent_again_to_its_partition_as_it_came_and_stored(two: Stage) -> None:
    says = "1 letter {} again\n1 not sent: this version refuses them again: not-json\n"
    assert letters(two, "replay", "--dry-run")[:2] == (1, says.format("would be sent"))
    assert letters(two, "replay")[:2] == (1, says.format("sent"))
    life = Life(session_id(1)).connecting()
    with two.collector():
        two.until_stored(1)
    two.assert_told_exactly_once([life])
    assert two.stored_positions() == {1: 1}


def test_what_was_sent_again_is_not_sent_once_more_unless_asked_for(two: Stage) -> None:
    assert letters(two, "replay", "--reason", "store-refused")[:2] == (0, "1 letter sent again\n")
    assert letters(two, "replay", "--reason", "store-refused")[:2] == (0, "0 letters sent again\n")
    assert letters(two, "list", "--reason", "store-refused")[1] == "no dead letters\n"
    assert "no (sent again)\n" in letters(two, "list", "--all")[1]
    assert letters(two, "replay", "--reason", "store-refused", "--again")[:2] == (0, "1 letter sent again\n")


def test_letters_that_their_topic_has_dropped_are_counted(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage()
    one = letter(stage, 0, Life(session_id(1)).connecting().sent[0])
    Writer(stage.engine, "cluster", stage.topic, stage.group).write(Changes(dead_letters=[one]), START_US)
    assert letters(stage, "replay")[:2] == (
        1,
        "0 letters sent again\n1 not sent: the topic of dead letters holds them no more\n",
    )
