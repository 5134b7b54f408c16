"""What is done once more: `replay`, and `dead-letters` with list, show and replay."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from collector.cli.edge import DONE, FOUND, Commands, add_configured, add_span, clock_us, positive, settings_of, span_us
from collector.cli.progress import Progress

if TYPE_CHECKING:
    from collector.again import Source
    from collector.ingest.letters_again import SentAgain
    from collector.ingest.replay import Replayed
    from collector.settings import Settings
    from collector.store.letters import LetterFilters

REPLAY: Final = "read a stretch of the topic into the store once more; nothing doubles"
LETTERS: Final = "look at what was refused; send it again"


def add(commands: Commands, *, whole: bool) -> None:
    """Adds the commands to the grammar."""
    replay = add_configured(commands, "replay", _replay, REPLAY, whole=whole)
    add_span(replay, "appended", default_from=None)
    replay.add_argument("--dry-run", action="store_true", help="say what it would store, and store nothing")
    letters = commands.add_parser("dead-letters", help=LETTERS, description=f"{LETTERS.capitalize()}.")
    verbs = letters.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_letters(verbs, whole=whole)


def _add_letters(verbs: Commands, *, whole: bool) -> None:
    shown = add_configured(
        verbs, "list", _list, "the letters that came last, or how many there are by reason", whole=whole
    )
    _add_filters(shown)
    shown.add_argument("--all", action="store_true", help="also those that were sent again already")
    shown.add_argument("--by-reason", action="store_true", help="counts instead of letters")
    shown.add_argument("--limit", type=positive, default=20, metavar="N", help="at most so many; default: %(default)s")
    shown.add_argument("--format", choices=("text", "json"), default="text", help="json: one object a line")
    one = add_configured(verbs, "show", _show, "one letter, whole as the store has it", whole=whole)
    one.add_argument("place", type=_place, metavar="PARTITION/OFFSET", help="where the record lies, as list shows it")
    one.add_argument("--value", action="store_true", help="the record's value alone, byte for byte")
    again = add_configured(verbs, "replay", _send_again, "send letters to their topic again, as they came", whole=whole)
    _add_filters(again)
    again.add_argument("--again", action="store_true", help="also those that were sent again already")
    again.add_argument("--dry-run", action="store_true", help="say what it would send, and send nothing")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason",
        type=_reason,
        action="append",
        default=[],
        metavar="R",
        help="a reason, as docs/errors.md lists them; may be repeated",
    )
    parser.add_argument("--partition", action="append", type=int, default=[], metavar="P", help="may be repeated")
    add_span(parser, "appended", default_from="all")


def _replay(told: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - see the package's docstring

    from collector.again import replay  # noqa: PLC0415

    now_us = clock_us()
    since_us, until_us = span_us(told, now_us)
    progress = Progress("records")

    def tell(done: Replayed, of: int) -> None:
        progress.tell(done.offsets, of)

    try:
        done = asyncio.run(
            replay(
                _source(settings_of(told)),
                since_us or 0,
                now_us if until_us is None else until_us,
                dry_run=told.dry_run,
                clock_us=clock_us,
                tell=tell,
            )
        )
    finally:
        progress.end()
    print(replayed(done, dry_run=told.dry_run))
    return DONE


def replayed(done: Replayed, *, dry_run: bool) -> str:
    """What a replay did, in a line."""
    results = done.results
    new = results["stored"] + results["late"]
    verb = "would be stored" if dry_run else "stored"
    return (
        f"{done.records:,} records read: {new:,} events {verb}, {results['duplicate']:,} were there already; "
        f"{results['alive']:,} signs of life, {results['refused']:,} dead letters, "
        f"{results['expired']:,} too old to keep"
    )


def _send_again(told: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - see the package's docstring

    from collector.again import send_again  # noqa: PLC0415

    settings = settings_of(told)
    filters = _filters(told, settings, replayed=None if told.again else False)
    progress = Progress("letters")

    def tell(done: SentAgain, of: int) -> None:
        progress.tell(done.looked_at, of)

    try:
        done = asyncio.run(send_again(_source(settings), filters, dry_run=told.dry_run, clock_us=clock_us, tell=tell))
    finally:
        progress.end()
    print(sent_again(done, dry_run=told.dry_run))
    return FOUND if done.refused or done.gone else DONE


def sent_again(done: SentAgain, *, dry_run: bool) -> str:
    """What became of the letters, a line each."""
    letters = "letter" if done.sent == 1 else "letters"
    lines = [f"{done.sent:,} {letters} {'would be sent' if dry_run else 'sent'} again"]
    lines += [
        f"{count:,} not sent: this version refuses them again: {reason}" for reason, count in done.refused.most_common()
    ]
    if done.gone:
        lines.append(f"{done.gone:,} not sent: the topic of dead letters holds them no more")
    return "\n".join(lines)


def _list(told: argparse.Namespace) -> int:
    from collector.cli import letters  # noqa: PLC0415 - see the package's docstring

    settings = settings_of(told)
    filters = _filters(told, settings, replayed=None if told.all else False)
    print(
        letters.listed(
            settings.database_url.get_secret_value(), filters, told.limit, told.format, by_reason=told.by_reason
        )
    )
    return DONE


def _show(told: argparse.Namespace) -> int:
    from collector.cli import letters  # noqa: PLC0415 - see the package's docstring

    settings = settings_of(told)
    letter = letters.stored(settings.database_url.get_secret_value(), settings.kafka_topic, *told.place)
    if told.value:
        sys.stdout.buffer.write(letter.value or b"")
        return FOUND if letter.is_cut else DONE
    print(letters.whole(letter))
    return DONE


def _filters(told: argparse.Namespace, settings: Settings, *, replayed: bool | None) -> LetterFilters:
    from collector.store.letters import LetterFilters  # noqa: PLC0415 - see the package's docstring

    since_us, until_us = span_us(told, clock_us())
    return LetterFilters(
        settings.kafka_topic, tuple(told.reason), tuple(told.partition), since_us, until_us, replayed=replayed
    )


def _source(settings: Settings) -> Source:
    from collector.again import Source  # noqa: PLC0415 - see the package's docstring
    from collector.runtime import kafka_connection, retention_of  # noqa: PLC0415

    return Source(
        kafka_connection(settings),
        settings.database_url.get_secret_value(),
        settings.kafka_topic,
        settings.kafka_group,
        retention_of(settings),
    )


def _reason(text: str) -> str:
    from collector.metric_labels import DEAD_LETTER_REASONS  # noqa: PLC0415 - see the package's docstring

    if text not in DEAD_LETTER_REASONS:
        raise argparse.ArgumentTypeError(f"{text} is no reason; there are {', '.join(DEAD_LETTER_REASONS)}")
    return text


def _place(text: str) -> tuple[int, int]:
    partition, slash, offset = text.partition("/")
    if not (slash and partition.isdecimal() and offset.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text} is not PARTITION/OFFSET, such as 3/1042")
    return int(partition), int(offset)
