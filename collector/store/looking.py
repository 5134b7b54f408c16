"""How a question looks at the store: one transaction, one state, for as long as it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Concatenate, Final, ParamSpec, Self, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine, literal, select, text

from collector.errors import QueryTooLong, SessionNotFound, StoreUnavailable
from collector.store.failures import plainly, was_stopped
from collector.store.names import Hashed
from collector.store.remembering import remembering
from collector.store.retention import Retention
from collector.store.stopping import Stop

QUESTION_S_MAX: Final = 20.0
"""How long a statement of a question may take where nobody says otherwise."""

HANGS_MS: Final = 10_000

# A day has a million sessions and more: what is joined and sorted of them goes to the disk in the usual 4 MB. Workers
# that share a statement are processes to be started: beside collectors that write, that takes longer than most answers.
_LIMITS: Final = text(
    "SELECT set_config('statement_timeout', :most, true), set_config('work_mem', '32MB', true),"
    " set_config('parallel_setup_cost', '10000', true),"
    " set_config('idle_in_transaction_session_timeout', :later, true)"
)

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class Looking:
    """What every question needs. Connects when it is asked first."""

    def __init__(
        self,
        engine: Engine,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        hashed: Hashed | None = None,
    ) -> None:
        """`hashed` is what clients tell in place of identities, where they do."""
        self._engine = engine
        self._retention = retention
        self._hashed = hashed
        self._stop = Stop(QUESTION_S_MAX)
        self._shared: Connection | None = None

    @contextmanager
    def together(self) -> Iterator[Self]:
        """A Reader all of whose questions see one state of the store, and ask it for no completeness twice.

        For one thread, and not for exports. The questions share the time that one may take.
        """
        with self._look() as connection:
            other = copy(self)
            other._shared = connection  # noqa: SLF001 - of its own kind
            yield other

    def under(self, stop: Stop) -> Self:
        """A Reader of the same store whose questions end with `stop`."""
        other = copy(self)
        other._stop = stop  # noqa: SLF001 - of its own kind
        return other

    def answers(self) -> bool:
        """Whether the store answers at all."""
        return self._ask(_one) == 1

    @contextmanager
    def _aged_out_if_it_may_be(self, session_id: UUID, now_us: int) -> Iterator[None]:
        """Has SessionNotFound say so where the session began longer ago than sessions are kept."""
        try:
            yield
        except SessionNotFound:
            if self._retention.may_have_aged_out(session_id, now_us):
                raise SessionNotFound(session_id, self._retention.sessions_days) from None
            raise

    def _ask(
        self,
        question: Callable[Concatenate[Connection, Asked], Answer],
        *args: Asked.args,
        **kwargs: Asked.kwargs,
    ) -> Answer:
        with self._look() as connection:
            return question(connection, *args, **kwargs)

    @contextmanager
    def _look(self) -> Iterator[Connection]:
        """One state of the store, for as long as the stop allows."""
        if self._shared is not None:
            yield self._shared
            return
        try:
            with plainly(self._engine), self._engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with connection.begin(), self._stop.over(connection):
                    if connection.dialect.name == "postgresql":
                        most_ms = int(self._stop.within_s * 1000)
                        # The stop comes first, and says why; this is for a process that hangs.
                        limits = {"most": f"{most_ms}ms", "later": f"{most_ms + HANGS_MS}ms"}
                        connection.execute(_LIMITS, limits)
                    with remembering(connection):
                        yield connection
        except StoreUnavailable as error:
            if was_stopped(error.__cause__):
                raise QueryTooLong(self._stop.within_s) from error
            raise


def _one(connection: Connection) -> int:
    return connection.execute(select(literal(1))).scalar_one()
