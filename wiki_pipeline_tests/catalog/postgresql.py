"""A PostgreSQL server for one run of the tests, made from the installed programs and gone with it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl: on the path, or where Debian and Red Hat put them."""
    found = shutil.which("initdb")
    if found and shutil.which("pg_ctl", path=str(Path(found).parent)):
        return Path(found).resolve().parent
    candidates = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    return max((c for c in candidates if (c / "initdb").exists() and (c / "pg_ctl").exists()), default=None)


@contextmanager
def running_server(programs: Path, *, durable: bool = False, port: int | None = None) -> Iterator[str]:
    """A server reached by a Unix socket only, or by a port of loopback; yields the SQLAlchemy address of its empty
    `postgres` database.

    Unless it is to be `durable` it waits for no disk.

    PostgreSQL refuses to run as root, so root runs it as another user, and in a folder that this user may enter.
    """
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="wiki-pipeline-postgresql-"))
    data = folder / "data"
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            user=user,
            cwd=folder,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )

    try:
        run(
            "initdb", "--pgdata", str(data), "--auth", "trust", "--username", "tests", "--no-sync", "--encoding", "UTF8"
        )
        listening = f"-c listen_addresses=127.0.0.1 -c port={port}" if port else "-c listen_addresses=''"
        options = f"{listening} -c unix_socket_directories='{folder}' -c fsync={'on' if durable else 'off'}"
        run("pg_ctl", "--pgdata", str(data), "--log", str(folder / "log"), "--wait", "-o", options, "start")
        try:
            at = f"127.0.0.1:{port}/postgres" if port else f"/postgres?host={folder}"
            yield f"postgresql+psycopg://tests@{at}"
        finally:
            run("pg_ctl", "--pgdata", str(data), "--wait", "--mode", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
