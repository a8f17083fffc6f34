"""Where the products of the journeys keep their data. A first start takes ten times the computing of a later one: it is made once in a run of tests, and each
product begins with a copy of what it left.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.services.locks import FileLock
from config.services.place import forget


@contextmanager
def home(common: Path, start: Callable[[Path], None]) -> Iterator[Path]:
    """A folder with the data of a first start in `var`, until the block ends. The first process to ask makes them, by `start`, in the folder `common` to all."""
    made = common / "journeys"
    with FileLock(common / "journeys.lock", wait=240):
        if not (made / "whole").exists():
            made.mkdir(exist_ok=True)  # as after a first start that was cut off
            start(made)
            (made / "whole").touch()
    folder = Path(tempfile.mkdtemp(prefix="countersign-journeys-"))
    folder.chmod(0o755)  # as root: PostgreSQL's account gets there
    try:
        subprocess.run(["cp", "-a", made / "var", folder], check=True, timeout=60)  # with the owners of its files
        yield folder
    finally:
        forget(folder / "var")
        shutil.rmtree(folder, ignore_errors=True)
