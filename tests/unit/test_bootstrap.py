"""Installing: what was cut off is mended by the next call, two at once wait for each other, and Ctrl-C ends what it began. With locks of nothing, so without a network."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
NOTHING = {"requirements.lock": "# nothing\n", "requirements-dev.lock": "# nothing\n"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout, ünd so"
    folder.mkdir()
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name, text in NOTHING.items():
        (folder / name).write_text(text)
    return folder


def begun(checkout: Path, **more: str) -> "subprocess.Popen[str]":
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "VIRTUAL_ENV"))}
    env |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, **more}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    return subprocess.Popen(["scripts/bootstrap"], cwd=checkout, env=env, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]


def ended(program: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = program.communicate(timeout=120)
    return program.returncode, said


def still_at_work(checkout: Path) -> list[list[str]]:
    """Programs that run in this checkout."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(checkout)):
                found.append(process.cmdline())
        except (psutil.Error, OSError):
            continue
    return found


def test_an_environment_that_was_cut_off_is_made_anew(checkout: Path) -> None:
    """It had a Python and no pip, and every later call failed for that."""
    subprocess.run(["python3", "-m", "venv", "--without-pip", ".venv"], cwd=checkout, check=True, timeout=60)
    code, said = ended(begun(checkout))
    assert code == 0, said
    assert (checkout / ".venv" / "installed-runtime").exists()
    assert ended(begun(checkout)) == (0, "")


def test_of_two_at_once_one_waits_and_both_end_well(checkout: Path) -> None:
    first, second = begun(checkout), begun(checkout)
    (one, this), (other, that) = ended(first), ended(second)
    assert (one, other) == (0, 0), this + that
    assert (this + that).count("Another make is installing here") == 1


@pytest.mark.parametrize("moment", ["Installing", ""])
def test_ctrl_c_leaves_nothing_at_work_and_the_next_call_completes_it(checkout: Path, moment: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that takes connections and says nothing
        needs = f"six==1.17.0 --hash=sha256:{'0' * 64}\n"
        (checkout / "requirements.lock").write_text(needs)
        index = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/simple"}
        program = begun(checkout, **index)
        assert program.stdout
        if moment:
            assert program.stdout.read(len(moment)) == moment
            silent.settimeout(60)
            silent.accept()[0].close()  # pip asks
        else:
            time.sleep(0.7)  # while the environment is made
        os.killpg(program.pid, signal.SIGINT)
        code, said = ended(program)
        assert (code, "Traceback" in said) == (130, False), said
        until = time.monotonic() + 10
        while (left := still_at_work(checkout)) and time.monotonic() < until:
            time.sleep(0.1)
        assert left == []
    (checkout / "requirements.lock").write_text(NOTHING["requirements.lock"])
    assert ended(begun(checkout))[0] == 0


def test_what_could_not_be_reached_is_the_reason(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    code, said = ended(begun(checkout, PIP_NO_INDEX="", PIP_RETRIES="1", PIP_INDEX_URL=f"http://127.0.0.1:{port}/simple"))
    assert code == 1
    assert "refused" in said.splitlines()[-1]
