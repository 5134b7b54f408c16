"""A real PostgreSQL for a test run: `initdb` and `postgres` as plain processes, one database for each test.

A database is a clone of a template, made file by file: 15 ms in memory. Needs PostgreSQL 15 or newer.
"""

import itertools
import os
import pwd
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg import sql

from collector.store.engine import make_engine, migrate
from tests.servers.parts import Part, find
from tests.servers.processes import ServerProcess, children_of, free_port, is_alive, make_folder, remove_folder
from tests.waiting import wait_until

SETTINGS: Final = ("max_connections=200", "shared_buffers=64MB", "logging_collector=off", "jit=off", "timezone=UTC")
# A test throws its data away; benchmarks and fault tests keep their promises to the disk.
NOT_DURABLE: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_MIGRATED: Final = "template_migrated"
_EMPTY: Final = "template1"


def migrate_template(url: str) -> None:
    """Brings the empty database at `url` (`postgresql+psycopg://…`) to the newest schema; each test gets a clone.

    Must close its connections: a database that someone is connected to cannot be cloned.
    """
    engine = make_engine(url)
    try:
        migrate(engine)
    finally:
        engine.dispose()


class PostgreSQL:
    """One server with its own data, gone after `close`."""

    def __init__(self, *, durable: bool = False, on_disk: bool = False, settings: Sequence[str] = ()) -> None:
        """`settings` are `name=value` beside ours; `durable` keeps fsync on, which costs nothing but `on_disk`."""
        self._programs = find(Part.POSTGRESQL)
        self._folder = make_folder("postgresql", on_disk=on_disk)
        self._port = free_port()
        self._names = (f"test_{number}" for number in itertools.count(1))
        self._has_template = False
        # The server refuses to run as root.
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        given = (*SETTINGS, *(() if durable else NOT_DURABLE), *settings)
        options = (f"port={self._port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}")
        self._process = ServerProcess(
            "PostgreSQL",
            [
                str(self._programs / "postgres"),
                "-D",
                str(self._data),
                *(word for option in (*options, *given) for word in ("-c", option)),
            ],
            self._folder / "log",
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            folder=self._folder,
            # An orderly stop that does not wait for clients.
            stop_signal=signal.SIGINT,
        )

    def __enter__(self) -> Self:
        try:
            self._make_cluster()
            self.start()
        except BaseException:
            remove_folder(self._folder)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def port(self) -> int:
        """The same after a restart."""
        return self._port

    @property
    def pid(self) -> int:
        """The postmaster's process id while it runs."""
        return self._process.pid

    @property
    def log_file(self) -> Path:
        """What the server says; it is gone with the server."""
        return self._process.log_file

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database, by TCP."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Starts the server, again after `kill` or `stop`, and returns when it answers."""
        self._process.start(self._answers)

    def stop(self) -> None:
        """An orderly stop that ends the clients' connections."""
        self._process.stop()

    def kill(self) -> None:
        """SIGKILL to the postmaster; returns when its children have seen it and ended themselves.

        While one of them is there, the server refuses to start again.
        """
        children = children_of(self.pid)
        self._process.kill()
        wait_until(lambda: not any(is_alive(child) for child in children), within_s=60)

    def close(self) -> None:
        """Stops the server, when it still runs, and removes its data."""
        try:
            self._process.stop()
        finally:
            remove_folder(self._folder)

    def make_database(self, *, migrated: bool, tablespace: str = "pg_default") -> str:
        """A fresh database, empty or at the newest schema; returns its name."""
        if migrated and not self._has_template:
            self._make_template()
        name = next(self._names)
        self._clone(_MIGRATED if migrated else _EMPTY, name, tablespace)
        return name

    def make_database_in(self, language: str) -> str:
        """An empty database whose text sorts as a language has it (`en-US`), unless a column says otherwise."""
        name = next(self._names)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE {}")
        with self._connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(language)))
        return name

    def make_tablespace(self, name: str, folder: Path) -> None:
        """A place for databases in a folder, which becomes the server's."""
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        with self._connect() as connection:
            where = sql.Literal(str(folder))
            connection.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(sql.Identifier(name), where))

    def halt(self) -> list[int]:
        """SIGSTOP to every process of the server, which go on by `go_on`; returns their ids."""
        os.kill(self.pid, signal.SIGSTOP)
        halted = [self.pid, *children_of(self.pid)]
        for child in halted[1:]:
            _send(child, signal.SIGSTOP)
        return halted

    def forbid_writing(self) -> None:
        """Lets no session of now write to any file, as if there were no room; those that come later may."""
        for child in children_of(self.pid):
            # By the server's own user: root of a container may not do it to others.
            subprocess.run(
                ["prlimit", "--pid", str(child), "--fsize=0:"],
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                capture_output=True,
                check=False,
            )

    def go_on(self, halted: Sequence[int]) -> None:
        """SIGCONT."""
        for one in halted:
            _send(one, signal.SIGCONT)

    def drop_database(self, name: str) -> None:
        """Removes a database and ends the connections that a test left behind."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _make_template(self) -> None:
        self._clone(_EMPTY, _MIGRATED)
        try:
            migrate_template(self.url(_MIGRATED))
        except BaseException:
            # The next test shall see the migration fail as well, not a template that is there already.
            self.drop_database(_MIGRATED)
            raise
        self._has_template = True

    def _clone(self, template: str, name: str, tablespace: str = "pg_default") -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY TABLESPACE {}")
        names = map(sql.Identifier, (name, template, tablespace))
        with self._connect() as connection:
            connection.execute(statement.format(*names))

    def _connect(self) -> psycopg.Connection:
        url = self.url().replace("+psycopg", "")
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_cluster(self) -> None:
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        # One locale for everyone: how text sorts must not depend on whose machine it is.
        how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "--no-instructions"]
        made = subprocess.run(
            [str(self._programs / "initdb"), "-D", str(self._data), *how],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb ended with {made.returncode}: {made.stdout}{made.stderr}")


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # a child that ended by itself meanwhile


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody")
