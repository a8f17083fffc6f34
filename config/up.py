"""`python -m config.up`, behind `make run` and `make reset`: one supervisor for the services and the roles.

Order: checks, services, migrate and seed (when something changed), web + worker + beat together, wait until the product
says it is ready, print the login links, then watch until Ctrl-C. Everything is stopped in reverse; on Linux everything also
ends when this process is killed outright. Imports `config.launch` and `config.services`.
"""

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

from config.launch import checks, demo_slack, given, prepare, roles
from config.launch.process import Kept, KeptServer, Role
from config.launch.screen import LogTail, say, step
from config.services import ServiceError, Services, endpoints
from config.services.embedded import start
from config.services.locks import FileLock
from config.services.place import forget, settle

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90.0
TRIES_BEFORE_READY = 3


class Stopped(BaseException):
    """Somebody asked us to stop (SIGINT, SIGTERM, SIGHUP)."""


def main(arguments: list[str]) -> int:
    os.umask(0o022)  # root's umask must not hide the data folder from the account the servers run as
    began = time.monotonic()
    try:
        chosen = checks.options(ROOT)
        reset(chosen) if arguments == ["reset"] else run(chosen, began)
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'A file'} cannot be used ({error.strerror}): make it yours (chown), or remove it.", file=sys.stderr)
        return 1
    except Stopped:
        return 0
    return 0


def run(chosen: checks.Options, began: float) -> None:
    checks.python()
    checks.libraries()
    checks.writable(chosen.var)
    with only_one(chosen), ExitStack() as stack:
        checks.disk(chosen.var)
        checks.port(chosen)
        given.answer()
        listen_for_signals()
        with step("Starting PostgreSQL and the broker"):
            roles.end_survivors(chosen.var)
            services = start_services(chosen)
        stack.callback(stop_all, kept := [KeptServer(server) for server in services.servers])
        env = roles.environment(chosen, database_url=services.database_url, redis_url=services.redis_url)
        env.setdefault("COUNTERSIGN_DEMO", "1")
        urls = {"database_url": services.database_url, "redis_url": services.redis_url}
        told = {"COUNTERSIGN_DEMO": env["COUNTERSIGN_DEMO"], **(demo_slack.told(env) if chosen.slack_port else {})}
        endpoints.write(chosen.var, **urls, address=chosen.address, more=told)
        stack.callback(endpoints.clear, chosen.var)
        env["SECRET_KEY"] = prepare.secret_key(chosen.var)
        update_database(chosen, services, env)
        if services.postgres:
            services.postgres.keep_log()
        forget_demo_slack(chosen, env)
        links = stack.enter_context(background(prepare.manage(ROOT, env, "login_links")))
        started = roles.all_roles(chosen, ROOT, env)
        stack.callback(stop_all, started)
        with step("Starting web, worker and beat"):
            start_roles(chosen, started, kept)
        if chosen.slack_port:
            connect_demo_slack(chosen, started[-1], env)
        say("\n" + prepare.finish(links, "manage.py login_links", chosen.var / "log" / "prepare.log").strip())
        if chosen.slack_port:
            say(
                f"\nThe demo's Slack, which looks like the channel: {chosen.slack_url}/ (anybody at this machine can press there as anybody)."
            )
        say(f"\nCountersign is running at {chosen.address} (started in {time.monotonic() - began:.1f} s). Ctrl-C stops it.")
        watch(chosen, kept, started)


def start_services(chosen: checks.Options) -> Services:
    logs = chosen.var / "log"
    for name in ("log", "static"):  # whitenoise warns when its own is not there
        (chosen.var / name).mkdir(exist_ok=True)
    for name in ("postgres", "valkey", "prepare"):
        LogTail(logs / f"{name}.log").start_afresh()
    return start(chosen.var, logs=logs)


def update_database(chosen: checks.Options, services: Services, env: dict[str, str]) -> None:
    """Migrate and seed, unless the stamp beside the embedded data says that nothing changed since the last time."""
    stamp = services.postgres.place.home / "up-to-date" if services.postgres else None
    wanted = prepare.fingerprint(ROOT)
    if stamp and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    if services.postgres:
        services.postgres.lend_log()
    log = chosen.var / "log" / "prepare.log"
    for text, command in (("Bringing the database up to date", ("migrate", "--no-input")), ("Seeding the demo", ("seed_demo",))):
        with step(text), background(prepare.manage(ROOT, env, *command)) as running:
            prepare.finish(running, f"manage.py {command[0]}", log)
    if stamp:
        stamp.write_text(wanted, encoding="ascii")


def forget_demo_slack(chosen: checks.Options, env: dict[str, str]) -> None:
    """A workspace of an earlier SLACK=demo is no more; nothing meant for it may go to another Slack."""
    marker = demo_slack.marker(chosen)
    if marker.exists():
        prepare.finish(prepare.manage(ROOT, env, "slack_demo", "--end"), "manage.py slack_demo --end", chosen.var / "log" / "prepare.log")
        marker.unlink()


def connect_demo_slack(chosen: checks.Options, chat: Role, env: dict[str, str]) -> None:
    """Install the app in the demo's Slack, link its people, and have cards of what waits posted there."""
    with step("Connecting the demo's Slack"):
        demo_slack.wait_ready(chosen, chat)
        demo_slack.marker(chosen).touch()
        with background(prepare.manage(ROOT, env, "slack_demo")) as running:
            prepare.finish(running, "manage.py slack_demo", chosen.var / "log" / "prepare.log")


def start_roles(chosen: checks.Options, started: Sequence[Role], kept: Sequence[Kept]) -> None:
    """Web alone first: each role spends seconds on imports, and on two cores the first page would wait for all of them."""
    for role in started:
        role.tail.start_afresh()
    web, *others = started
    web.start()
    roles.remember(chosen.var, [web])
    wait_ready(chosen, [*kept, web])
    for role in others:
        role.start()
    roles.remember(chosen.var, started)


def wait_ready(chosen: checks.Options, kept: Sequence[Kept]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not answers_ready(chosen):
        for one in kept:
            one.look()
            if one.failures >= TRIES_BEFORE_READY:
                raise ServiceError(f"{one.name} does not start ({' / '.join(one.tail.last(1))}): see {one.tail.path}.")
        if time.monotonic() > deadline:
            raise ServiceError(f"{chosen.address}/health/ready did not answer within {READY_SECONDS:.0f} s: see {chosen.var / 'log'}.")
        time.sleep(0.05)


def answers_ready(chosen: checks.Options) -> bool:
    connection = http.client.HTTPConnection(chosen.reachable.strip("[]"), chosen.port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def watch(chosen: checks.Options, kept: Sequence[Kept], started: Sequence[Role]) -> None:
    known = [role.pid for role in started]
    while True:
        for one in (*kept, *started):
            one.look()
        if known != (now := [role.pid for role in started]):
            roles.remember(chosen.var, started)
            known = now
        time.sleep(0.2)


def stop_all(kept: Sequence[Kept]) -> None:
    """Stop in reverse order of starting. All roles are asked first, so that their graces run together."""
    hold_signals()
    for one in reversed(kept):
        if isinstance(one, Role):
            one.ask_to_stop()
    for one in reversed(kept):
        one.stop()
    if kept:
        say(f"Stopped {', '.join(one.name for one in reversed(kept))}.")


@contextmanager
def background(command: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """A command that does not outlive the block."""
    try:
        yield command
    finally:
        if command.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
            command.wait()


@contextmanager
def only_one(chosen: checks.Options) -> Iterator[None]:
    lock = FileLock(chosen.var / "run" / "up.lock")
    if not lock.take():
        raise ServiceError(f"Countersign already runs from this folder at {lock.read_note()}: use that, or stop it first.")
    lock.note(chosen.address)
    try:
        yield
    finally:
        lock.release()


def listen_for_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        hold_signals()  # a second Ctrl-C while stopping must not tear the stopping apart
        say("\nStopping ...")
        raise Stopped

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)


def hold_signals() -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)


def reset(chosen: checks.Options) -> None:
    """Delete the data folder, and what lives outside it for want of access (see `config.services.place`)."""
    if not chosen.var.is_dir():
        say("There is no data to delete.")
        return
    checks.writable(chosen.var)
    with only_one(chosen):
        place = settle(chosen.var)
        forget(chosen.var)
        try:
            shutil.rmtree(chosen.var)
        except OSError as error:
            raise ServiceError(f"{error.filename} cannot be deleted ({error.strerror}): run make reset as its owner or as root.") from error
        where = f"{chosen.var} and {place.home}" if place.home != chosen.var.absolute() else str(chosen.var)
        say(f"Deleted {where}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
