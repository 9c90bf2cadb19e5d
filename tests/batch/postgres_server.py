"""A real Postgres for tests and benchmarks: a server of its own, in a folder of its own, on 127.0.0.1.

It is started and stopped by whoever needs it; nothing that runs on the machine already is touched. Postgres refuses to
run as root, so that root hands the folder to the user that the package made.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self

__all__ = ["INSTALL", "Postgres", "postgres_binaries"]

INSTALL: Final = "apt-get install postgresql"
_USER: Final = "postgres"
_READY_S: Final = 30.0


def postgres_binaries() -> Path | None:
    """Return the folder of the server's programs; ``None`` if there is none."""
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


class Postgres:
    """One server, with one empty database."""

    def __init__(self, *, fsync: bool = False) -> None:
        """Make a cluster and start it.

        Args:
            fsync: Whether what is committed survives the machine too, as in use; a crash of the server alone it
                survives in any case.
        """
        self._fsync = "on" if fsync else "off"
        binaries = postgres_binaries()
        if binaries is None:
            raise RuntimeError(f"no Postgres is installed: {INSTALL}")
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="evaluator-postgres-"))
        self._data = self._folder / "data"
        self._port = _free_port()
        self._made = 0
        self._run_as = self._other_user()
        self._call("initdb", "-D", str(self._data), "-A", "trust", "-U", _USER, "-E", "UTF8", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/postgres"

    def new_database(self) -> str:
        """Make an empty database, and return its address."""
        self._made += 1
        name = f"d{self._made}"
        self._call("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", _USER, name)
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/{name}"

    def new_user(self, name: str, password: str) -> None:
        """Make a user that must give a password, and owns nothing."""
        made = f"CREATE ROLE {name} LOGIN PASSWORD '{password}'"
        self._call("psql", "-h", "127.0.0.1", "-p", str(self._port), "-U", _USER, "-c", made)
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"host all {name} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        self._call("pg_ctl", "-D", str(self._data), "reload")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        chosen = f"-c unix_socket_directories={self._folder} -c fsync={self._fsync}"
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 {chosen}"
        self._call("pg_ctl", "-D", str(self._data), "-o", options, "-l", str(self._folder / "log"), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: ``fast`` breaks off what runs, ``immediate`` is a crash."""
        self._call("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def pause(self, seconds: float) -> None:
        """Let the whole server stand still for so long, as an overloaded machine does."""
        pids = self._pids()
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            if number is signal.SIGSTOP:
                time.sleep(seconds)

    def close(self) -> None:
        """Stop the server and remove its folder."""
        with contextlib.suppress(subprocess.CalledProcessError):  # it wasn't running
            self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pids(self) -> list[int]:
        master = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{master}/task/{master}/children").read_text()
        return [master, *map(int, children.split())]

    def _other_user(self) -> pwd.struct_passwd | None:
        if os.geteuid() != 0:
            return None
        user = pwd.getpwnam(_USER)
        os.chown(self._folder, user.pw_uid, user.pw_gid)
        return user

    def _call(self, program: str, *arguments: str) -> None:
        user = self._run_as
        subprocess.run(
            [self._binaries / program, *arguments],
            check=True,
            capture_output=True,
            cwd=self._folder,
            timeout=_READY_S * 2,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
