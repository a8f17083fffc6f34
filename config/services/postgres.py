"""The embedded PostgreSQL: one cluster, a superuser for us, an ordinary role that the product works as, and a keeper who owns its log.

Imports `server`, `binaries`, `accounts`; psycopg is the only library.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from config.services.accounts import own_dir, run_as
from config.services.binaries import Binary, find_postgres, usable
from config.services.errors import ServiceError
from config.services.place import Place
from config.services.server import Server

ROLE = DATABASE = "countersign"
SUPERUSER = "postgres"
# Nobody signs in as the keeper. It owns the database too: whoever owns that owns the schema, and may drop any table in it.
KEEPER = "countersign_keeper"
LOG = "audit_event"

# For a small shared machine. Durability is not for sale: an approval that was acknowledged must survive a power cut.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "80MB",
    "max_wal_size": "512MB",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "5min",
    "max_parallel_workers_per_gather": "0",  # lists are indexed; workers would need more /dev/shm than containers give
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


class Postgres(Server):
    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": sessions are cut, nothing committed is lost

    def __init__(self, place: Place, log: Path, *, durable: bool = True) -> None:
        super().__init__(place, log)
        self.durable = durable
        self._binary: Binary | None = None

    @property
    def url(self) -> str:
        """The product's address, in libpq's form for a socket folder."""
        where = quote(str(self.place.sockets), safe="/")
        return f"postgresql://{ROLE}:{self._passwords()[ROLE]}@/{DATABASE}?host={where}"

    def pid_file(self) -> Path:
        return self.place.data / "postmaster.pid"

    def marker(self) -> str:
        return f"-D {self.place.data} -c"

    def command(self) -> list[str]:
        assert self._binary is not None  # noqa: S101  prepare() came first
        fsync = "on" if self.durable else "off"
        chosen = SETTINGS | {"unix_socket_directories": f'"{self.place.sockets}"', "fsync": fsync}
        options = [word for key, value in chosen.items() for word in ("-c", f"{key}={value}")]
        return [str(self._binary.path), "-D", str(self.place.data), *options]

    def answers(self) -> bool:
        try:
            with self._connect("postgres") as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServiceError(
                    f"{self._credentials()} does not fit the data in {self.place.data}: put the right one back, or run make reset."
                ) from error
            return False

    def prepare(self) -> None:
        if self._binary is None:
            self._binary = usable(find_postgres(), self.place.account, self.place.home / "programs")
        for crashed in self.place.home.glob("postgres.new-*"):
            shutil.rmtree(crashed, ignore_errors=True)
        if not self.place.data.is_dir():
            self._initialise(self._binary)
        elif not os.access(self.place.data, os.R_OK | os.X_OK):
            owner = self.place.data.stat().st_uid
            raise ServiceError(f"{self.place.data} belongs to user id {owner}: run as that user (or root), or remove it as root.")
        # Stale lock of a socket whose pid now belongs to another program: PostgreSQL would refuse to start.
        if self.pid() is None:
            (self.place.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def settle(self) -> None:
        """Make the role and the database if a first start did not get that far."""
        with self._connect("postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                return
            role, password = sql.Identifier(ROLE), sql.Literal(self._passwords()[ROLE])
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                # Not a superuser: a statement an agent proposed must not reach files or programs. Tests create databases.
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, password))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role))

    def lend_log(self) -> None:
        """Before migrations, which may change the log's shape: the product's role owns it while they run."""
        with self._connect(DATABASE) as connection:
            if connection.execute("SELECT to_regclass(%s)", [LOG]).fetchone() != (None,):
                connection.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(LOG), sql.Identifier(ROLE)))

    def keep_log(self) -> None:
        """After them: the product adds to the log and reads it, and can neither change it nor switch its triggers off (reliability.md 3.1)."""
        names = {
            "role": sql.Identifier(ROLE),
            "keeper": sql.Identifier(KEEPER),
            "base": sql.Identifier(DATABASE),
            "log": sql.Identifier(LOG),
        }
        with self._connect(DATABASE) as connection, connection.transaction():
            if connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = %s", [LOG]).fetchone() in (None, (KEEPER,)):
                return
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [KEEPER]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {keeper}").format(**names))
            for statement in (
                "ALTER DATABASE {base} OWNER TO {keeper}",
                "GRANT ALL ON DATABASE {base} TO {role}",
                "GRANT ALL ON SCHEMA public TO {role}",
                "ALTER TABLE {log} OWNER TO {keeper}",
                "REVOKE ALL ON {log} FROM {role}",
                "GRANT SELECT, INSERT ON {log} TO {role}",
            ):
                connection.execute(sql.SQL(statement).format(**names))

    def _initialise(self, binary: Binary) -> None:
        """initdb beside the final place, then rename: a crash in the middle leaves nothing that looks like a cluster."""
        passwords = {SUPERUSER: secrets.token_urlsafe(24), ROLE: secrets.token_urlsafe(24)}
        _write_private(self._credentials(), json.dumps(passwords))
        new = own_dir(Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.place.home)), self.place.account)
        try:
            self._initdb(binary, new, passwords[SUPERUSER])
            (new / "data").rename(self.place.data)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _initdb(self, binary: Binary, new: Path, password: str) -> None:
        account = self.place.account
        password_file = new / "password"
        _write_private(password_file, password)
        if account:
            os.chown(password_file, account.uid, account.gid)
        # The built-in locale sorts alike on Linux and macOS and needs none installed.
        made = subprocess.run(
            [
                *(str(binary.path.with_name("initdb")), "-D", str(new / "data"), "-U", SUPERUSER),
                *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync", "--encoding=UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"),
            ],
            cwd=new,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
            **run_as(account),
        )
        if made.returncode != 0:
            said = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ServiceError(f"PostgreSQL could not make its data folder in {self.place.home} ({said}): mend that and run again.")

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.place.sockets),
            dbname=database,
            user=SUPERUSER,
            password=self._passwords()[SUPERUSER],
            connect_timeout=3,
            autocommit=True,
        )

    def _credentials(self) -> Path:
        return self.place.home / "postgres.json"

    def _passwords(self) -> dict[str, str]:
        try:
            return {str(k): str(v) for k, v in json.loads(self._credentials().read_text(encoding="ascii")).items()}
        except (OSError, ValueError) as error:
            raise ServiceError(f"{self._credentials()} is missing or broken: put it back, or run make reset to start afresh.") from error


def _write_private(path: Path, text: str) -> None:
    """Never readable by others, not even for a moment; whole or not at all."""
    half = path.with_name(path.name + ".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    half.replace(path)
