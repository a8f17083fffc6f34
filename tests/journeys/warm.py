"""manage.py without its start: most of what a command takes is importing the product, and journeys give many. A process that has imported
it forks for each command, which then runs as by `manage.py`, with words, output and exit code of its own.

`Commands` is for tests; run as a program this file is the process. It imports nothing of the tests.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60  # that a command may take


class Commands:
    """The commands of one running product."""

    def __init__(self, env: dict[str, str]) -> None:
        """With the environment of that product."""
        self._folder = tempfile.TemporaryDirectory(prefix="countersign-commands-")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, __file__], cwd=ROOT, env=env, **pipes)  # type: ignore[call-overload]

    def run(self, *args: str) -> tuple[int, str, str]:
        """Exit code, output and complaints of `manage.py` with these words."""
        out, err = (Path(self._folder.name) / name for name in ("out", "err"))
        self._process.stdin.write(json.dumps({"args": args, "out": str(out), "err": str(err)}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that runs commands ended"
        return int(answer), out.read_text(), err.read_text()

    def close(self) -> None:
        self._process.communicate(timeout=SECONDS)
        self._folder.cleanup()


def serve() -> None:
    """Import the product, then answer every line {"args": [...], "out": path, "err": path} with the exit code of that command."""
    import django
    from django.core.management import get_commands, load_command_class

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("COUNTERSIGN_ROLE", "command")
    sys.path.insert(0, str(ROOT))
    django.setup()
    for name in ("actions", "agents", "keys", "runs"):  # with all that they import
        load_command_class(get_commands()[name], name)
    for line in sys.stdin:
        print(_forked(**json.loads(line)), flush=True)


def _forked(args: list[str], out: str, err: str) -> int:
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(SECONDS)  # whoever waits longer is ended, and the test with it
    for place, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), place)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = _ran(args)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _ran(args: list[str]) -> int:
    import manage

    sys.argv = ["manage.py", *args]
    try:
        manage.main()
    except SystemExit as end:
        if isinstance(end.code, int | None):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:  # as the interpreter would
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve()
