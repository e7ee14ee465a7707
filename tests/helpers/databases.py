"""Servers of databases for tests, on loopback and in a folder of their own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browsing import free_port

#: Where Debian keeps what is not meant for the path of users.
_DEBIAN = Path("/usr/lib/postgresql")
_OPEN_TO_ALL = (Path("/tmp"), Path(tempfile.gettempdir()))


def postgresql_programs() -> Path | None:
    """The folder with initdb and postgres; none where PostgreSQL is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return next(iter(sorted(_DEBIAN.glob("*/bin"), reverse=True)), None)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A running server; gives the address of its database ``bi``, whose owner may create schemas and roles.

    Beside it is a database ``dagster``.
    """
    programs = postgresql_programs()
    assert programs is not None
    # PostgreSQL does not run as root.
    user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    data, port = folder / "data", free_port()
    data.mkdir()
    if user:
        known = pwd.getpwnam("postgres")
        for path in (folder, data):
            os.chown(path, known.pw_uid, known.pw_gid)
        for path in folder.parents:
            if path.stat().st_uid == 0 and any(place in path.parents for place in _OPEN_TO_ALL):
                path.chmod(path.stat().st_mode | 0o011)
    subprocess.run(
        [programs / "initdb", "-D", data, "-A", "trust", "-U", "admin", "--no-sync", "-E", "UTF8", "--locale=C"],
        check=True, capture_output=True, cwd=folder, **user,
    )  # fmt: skip
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={port}", "-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options, "-c", "fsync=off"], stdout=log, stderr=log, cwd=folder, **user
        )
    try:
        admin = f"postgresql://admin@127.0.0.1:{port}/postgres"
        _wait(admin, server)
        import psycopg

        with psycopg.connect(admin, autocommit=True) as con:
            con.execute("create role cxhouse login createrole")
            con.execute("create database bi owner cxhouse")
            con.execute("create database dagster owner cxhouse")
        yield f"postgresql://cxhouse@127.0.0.1:{port}/bi"
    finally:
        server.terminate()
        server.wait(30)


def _wait(address: str, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    import psycopg

    end = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, "PostgreSQL did not start"
            assert time.monotonic() < end, "PostgreSQL does not answer"
            time.sleep(0.1)
