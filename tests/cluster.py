"""A PostgreSQL server of our own in a temporary folder, and a database in it for each test that wants one."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from newsletter.readers import schema
from newsletter.readers.database import make

USER = "postgres"


def binaries() -> Path | None:
    """The folder of the newest server's programs, None where there is none."""
    if there := shutil.which("initdb"):
        return Path(there).parent
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in found), key=lambda path: float(path.parent.name), default=None)


def needs_server() -> Path:
    """The programs' folder; the test is skipped where there is none, and fails where there must be one."""
    programs = binaries()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed")
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    return programs


class Cluster:
    """One server on a free port of this machine; `stop` and `start` are its administrator's.

    Without `durable` it does not wait for its disk, which only a power cut would tell apart. `network`, such
    as "10.77.0", is one whose hosts may use it too, and of which this machine is the first.
    """

    def __init__(self, folder: Path, *, durable: bool = False, network: str = "") -> None:
        self._programs = needs_server()
        self._folder = folder
        self._numbers = count(1)
        self._shared = ""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._data = folder / "data"
        if os.geteuid() == 0:  # the server refuses to run as root
            account = pwd.getpwnam(USER)
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", USER, "-N", "-E", "UTF8")
        self._address = f"{network}.1" if network else "127.0.0.1"
        if network:
            with (self._data / "pg_hba.conf").open("a") as file:
                file.write(f"host all all {network}.0/24 trust\n")
        settings = f"port = {self.port}\nlisten_addresses = '{self._address}'\nunix_socket_directories = ''\n"
        settings += "max_connections = 100\nshared_buffers = 64MB\n"
        if not durable:
            settings += "fsync = off\nfull_page_writes = off\n"
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(settings)
        self.start()

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def restart(self, mode: str = "immediate") -> None:
        self._run(
            "pg_ctl", "-D", str(self._data), "-w", "-m", mode, "-l", str(self._folder / "log"), "restart"
        )

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@{self._address}:{self.port}/{name}"

    def empty(self) -> str:
        """The address of a new database without any table."""
        name = f"news_{next(self._numbers)}"
        self.order(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def made(self) -> str:
        """The address of a new database with all tables."""
        url = self.empty()
        make(url, Path())
        return url

    def cleared(self) -> str:
        """The address of a database with all tables and nothing in them: always the same, which is faster.

        Whoever had it before must be done.
        """
        if not self._shared:
            self._shared = self.made()
            return self._shared
        with psycopg.connect(self._shared, autocommit=True) as connection:
            tables = [each.name for each in reversed(schema.metadata.sorted_tables)]
            sequences = "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'"
            orders = [f"DELETE FROM {name}" for name in tables if name != "about"]
            fresh = f"UPDATE about SET schema_version = {schema.VERSION}"
            connection.execute("; ".join([*orders, fresh, sequences]).encode())
        return self._shared

    def drop(self, url: str) -> None:
        name = sql.Identifier(url.rpartition("/")[2])
        self.order(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def order(self, statement: "str | sql.Composed") -> list[tuple[object, ...]]:
        """Run a statement of the server's administrator."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode() if isinstance(statement, str) else statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        order = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            order = ["runuser", "-u", USER, "--", *order]
        # The server keeps what it was given as its output: a file, or we would wait for its end.
        with (self._folder / f"{program}.out").open("w+") as out:
            done = subprocess.run(order, stdout=out, stderr=out, cwd="/", check=False)
            out.seek(0)
            assert done.returncode == 0, out.read()


@contextmanager
def running(*, durable: bool = False, network: str = "") -> Iterator[Cluster]:
    """A server for as long as the block lasts."""
    needs_server()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        cluster = Cluster(folder, durable=durable, network=network)
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
