"""A producer that records what it was promised: which events the brokers have acknowledged.

It sends as outboxes of many sessions do on a bad day: late, out of order, some events twice; and what was not
acknowledged in time again, though it may have arrived. It has no idempotence, so that what it retries is doubled too.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, Final
from uuid import UUID

from confluent_kafka import Producer

from tests.histories import SECOND_US, Life, Sent, partition_of

_CHUNK: Final = 20
_LATE: Final = (0, 0, 0, 0, 3, 30, 300)
_PROMISED_WITHIN_S: Final = 120.0

Event = tuple[UUID, str]
"""Session, and the event's own id."""


def disordered(lives: Sequence[Life], random: Random) -> list[Sent]:
    """What these lives say, as it reaches Kafka: some of it twice, some late and behind what came after it."""
    told = list(enumerate(sorted((sent for life in lives for sent in life.sent), key=lambda sent: sent.append_at_us)))
    again = [
        (place + random.choice((1, 40, 400)), sent.again(random.choice((0, SECOND_US))))
        for place, sent in random.sample(told, len(told) // 10)
    ]
    placed = [(place + random.choice(_LATE), sent) for place, sent in told] + again
    return [sent for _, sent in sorted(placed, key=lambda one: one[0])]


class Promised:
    """Sends in a thread of its own: at a pace until `hurry`, then all that is left at once."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, sendings: Sequence[Sent], per_second: int) -> None:
        self.events: Counter[Event] = Counter()
        """How many copies of each event were acknowledged."""
        self.sent_again = 0
        self._topic, self._partitions = topic, partitions
        self._left = list(reversed(sendings))
        self._between_s = _CHUNK / per_second
        self._hurry, self._giving_up = threading.Event(), threading.Event()
        self._in_flight = 0
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "linger.ms": 5,
                "request.timeout.ms": 2500,
                "message.timeout.ms": 8000,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._send_all, daemon=True)

    def begin(self) -> None:
        """Begins to send."""
        self._thread.start()

    def until_over(self, within_s: float) -> None:
        """Returns when all is promised, or the time is over."""
        self._thread.join(within_s)

    def hurry(self) -> None:
        """Sends what is left, and returns when all of it is promised."""
        self._hurry.set()
        self._thread.join(_PROMISED_WITHIN_S)
        assert not self._thread.is_alive(), f"{len(self._left)} events were not acknowledged by the brokers"

    def close(self) -> None:
        """Ends the thread, whatever is left; where a round failed before it began, there is none."""
        self._hurry.set()
        self._giving_up.set()
        if self._thread.ident is not None:
            self._thread.join()

    def stored_keys(self) -> set[tuple[UUID, int]]:
        """The keys of the rows that must be there: (session, seq) of all that take a seq."""
        return {(session, int(name)) for session, name in self.events if name.isdecimal()}

    def _send_all(self) -> None:
        while (self._left or self._in_flight) and not self._giving_up.is_set():
            for _ in range(min(_CHUNK, len(self._left))):
                self._send(self._left.pop())
            if self._hurry.is_set():
                self._producer.poll(0.02)
            else:
                self._hurry.wait(self._between_s)
                self._producer.poll(0)

    def _send(self, sent: Sent) -> None:
        self._in_flight += 1
        session = sent.message.data.session_id

        def answered(error: Any, _: Any) -> None:
            self._in_flight -= 1
            if error is None:
                self.events[session, sent.message.id] += 1
            else:
                self.sent_again += 1
                self._left.append(sent)

        self._producer.produce(
            self._topic,
            key=sent.key(),
            value=sent.value(),
            partition=partition_of(session, self._partitions),
            on_delivery=answered,
        )
