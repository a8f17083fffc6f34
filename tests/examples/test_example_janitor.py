"""The janitor moves exactly what was approved, all or nothing, and cannot leave the directory it was given."""

import importlib.util
import json
import os
import sys
import threading
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from agents.tools.registry import BadArgs, ToolContext, ToolError
from janitor_agent import trash as trash_module
from janitor_agent.rooms import TRASH, checked_directory
from janitor_agent.script import script
from janitor_agent.tools import TOOLS, find_duplicates, move_to_trash, restore_from_trash, scan_directory

BY_NAME = {tool.name: tool for tool in TOOLS}
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "janitor"
ELSEWHERE = [
    "../outside/secret.txt", "sub/../../outside/secret.txt", "/etc/passwd", "", ".", "./a.txt", "sub//c.txt", "a.txt\0b", "..",
    f"{TRASH}/x/00001", "\ud800.txt", "x/" * 3000 + "y",
]  # fmt: skip
NOBODYS = [
    "/", "/etc", "/etc/ssl", "/usr/lib", "/tmp", "/proc/self", "/home", "", "relative", "/tmp/../etc", "/no/such/place",
    "/tmp\0/x", None, 7, os.path.expanduser("~"), os.getcwd(), sys.prefix, str(EXAMPLE), os.path.expanduser("~/.ssh"),
]  # fmt: skip


@pytest.fixture
def place(tmp_path):
    """A directory with a few files, beside one that must never be touched."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    base = tmp_path / "place"
    (base / "sub").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "sub/c.txt"):
        (base / name).write_text(f"content of {name}")
    return base


def ref(base, path):
    status = os.stat(base / path, follow_symlinks=False)
    return {"path": path, "bytes": status.st_size, "mtime_us": status.st_mtime_ns // 1000}


def tree(base):
    return sorted(str(p.relative_to(base)) for p in base.rglob("*") if p.is_file() and TRASH not in p.parts)


def test_it_moves_the_files_and_can_put_them_back(place, call):
    files = [ref(place, "a.txt"), ref(place, "sub/c.txt")]
    done = call(move_to_trash, {"files": files}, key="k1", directory=str(place))
    assert (done["files"], tree(place)) == (2, ["b.txt"])
    call(restore_from_trash, {"batch": done["batch"]}, directory=str(place))
    assert tree(place) == ["a.txt", "b.txt", "sub/c.txt"]
    assert ref(place, "a.txt") == files[0]


def test_a_move_and_a_restoring_are_reversed_once_and_replace_nothing(place, call, reverse):
    wanted = {"files": [ref(place, "a.txt")]}
    moved = call(move_to_trash, wanted, key="k1", directory=str(place))
    for _ in range(2):
        reverse(move_to_trash, wanted, moved, key="k1", directory=str(place))
        assert tree(place) == ["a.txt", "b.txt", "sub/c.txt"]
    back = {"batch": moved["batch"]}
    for _ in range(2):
        reverse(restore_from_trash, back, {}, key="k2", directory=str(place))
        assert tree(place) == ["b.txt", "sub/c.txt"]
    (place / "a.txt").write_text("another")
    with pytest.raises(ToolError):
        reverse(move_to_trash, wanted, {"batch": "compensate-k2"}, directory=str(place))
    assert (place / "a.txt").read_text() == "another"


def test_the_same_key_moves_once_even_when_the_file_is_back(place, call):
    args = {"files": [ref(place, "a.txt")]}
    first = call(move_to_trash, args, directory=str(place))
    (place / "a.txt").write_text("a new file of that name")
    assert call(move_to_trash, args, directory=str(place)) == first
    assert (place / "a.txt").read_text() == "a new file of that name"


def test_a_key_cannot_be_used_for_other_files(place, call):
    call(move_to_trash, {"files": [ref(place, "a.txt")]}, directory=str(place))
    with pytest.raises(ToolError, match="another batch"):
        call(move_to_trash, {"files": [ref(place, "b.txt")]}, directory=str(place))


@pytest.mark.parametrize("change", ["content", "mtime", "gone", "link", "folder"])
def test_it_refuses_when_a_file_changed_and_moves_nothing(place, call, look, change):
    files = [ref(place, "a.txt"), ref(place, "b.txt")]
    target = place / "b.txt"
    if change == "content":
        target.write_text("longer than it was before")
    elif change == "mtime":
        os.utime(target, (1, 1))
    else:
        target.unlink()
        if change == "link":
            target.symlink_to("../outside/secret.txt")
        if change == "folder":
            target.mkdir()
    assert look(move_to_trash, {"files": files}, directory=str(place)).details["warnings"]
    with pytest.raises(ToolError) as refusal:
        call(move_to_trash, {"files": files}, directory=str(place))
    assert refusal.value.code == "changed"
    assert (place / "a.txt").exists()


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: ascii(path)[:40])
def test_a_path_that_leads_elsewhere_is_refused_as_argument(path):
    with pytest.raises(BadArgs):
        move_to_trash.validate({"files": [{"path": path, "bytes": 6, "mtime_us": 1}]})


def test_links_are_neither_followed_nor_moved(place, call):
    outside = place.parent / "outside"
    (place / "link").symlink_to(outside)
    (place / "file-link").symlink_to(outside / "secret.txt")
    for path in ("link/secret.txt", "file-link"):
        args = {"files": [{**ref(place, path), "bytes": 6, "mtime_us": ref(outside, "secret.txt")["mtime_us"]}]}
        with pytest.raises(ToolError):
            call(move_to_trash, args, directory=str(place))
    found = call(scan_directory, {"older_than_days": 1, "larger_than_mb": 1}, directory=str(place))
    assert found["files"] == 3
    assert (outside / "secret.txt").read_text() == "secret"


def test_a_trash_folder_that_is_a_link_is_refused(place, call):
    (place / TRASH).symlink_to(place.parent / "outside")
    with pytest.raises(ToolError) as refusal:
        call(move_to_trash, {"files": [ref(place, "a.txt")]}, directory=str(place))
    assert refusal.value.code == "no_trash"
    assert os.listdir(place.parent / "outside") == ["secret.txt"]


def test_a_folder_swapped_for_a_link_while_it_works_cannot_lead_it_out(place, call):
    """A rival swaps `sub` between the real folder and a link to the outside as fast as it can."""
    outside, stop = place.parent / "outside", threading.Event()
    (outside / "c.txt").write_text("content of sub/c.txt")
    (place / "link").symlink_to(outside)
    original = ref(place, "sub/c.txt")
    os.utime(outside / "c.txt", ns=(original["mtime_us"] * 1000, original["mtime_us"] * 1000))

    def swap():
        while not stop.is_set():
            os.rename(place / "sub", place / "real")
            os.rename(place / "link", place / "sub")
            os.rename(place / "sub", place / "link")
            os.rename(place / "real", place / "sub")

    rival = threading.Thread(target=swap)
    rival.start()
    try:
        for number in range(150):
            try:
                done = call(move_to_trash, {"files": [original]}, key=f"r{number}", directory=str(place))
            except (ToolError, OSError):
                continue
            while True:
                try:
                    call(restore_from_trash, {"batch": done["batch"]}, directory=str(place))
                    break
                except (ToolError, OSError):
                    continue
    finally:
        stop.set()
        rival.join()
    assert sorted(os.listdir(outside)) == ["c.txt", "secret.txt"]


def test_a_file_swapped_in_between_is_put_back(place, call, monkeypatch):
    """Checked, then replaced, then renamed: the second look, in the trash, notices."""
    args, real_rename = {"files": [ref(place, "a.txt"), ref(place, "b.txt")]}, os.rename

    def rename(source, *rest, **how):
        if source == "b.txt":
            (place / "b.txt").unlink()
            (place / "b.txt").write_text("somebody's new work")
        real_rename(source, *rest, **how)

    monkeypatch.setattr("janitor_agent.trash.os.rename", rename)
    with pytest.raises(ToolError, match="put back"):
        call(move_to_trash, args, directory=str(place))
    assert tree(place) == ["a.txt", "b.txt", "sub/c.txt"]
    assert (place / "b.txt").read_text() == "somebody's new work"


def test_a_crash_half_way_is_continued_with_the_same_key(place, call, monkeypatch):
    args, real_move = {"files": [ref(place, "a.txt"), ref(place, "b.txt")]}, trash_module._move
    moved: list[str] = []

    def crash(root, trash, entry):
        if moved:
            raise KeyboardInterrupt
        moved.append(entry)
        real_move(root, trash, entry)

    monkeypatch.setattr(trash_module, "_move", crash)
    with pytest.raises(KeyboardInterrupt):
        call(move_to_trash, args, directory=str(place))
    monkeypatch.undo()
    model, _ = move_to_trash.validate(args)
    context = ToolContext("a", "r", "test", "key-1", {"directory": str(place)})
    assert move_to_trash.check_outcome(model, context) == "unknown"
    assert call(move_to_trash, args, directory=str(place))["files"] == 2
    assert move_to_trash.check_outcome(model, context) == "done"
    assert tree(place) == ["sub/c.txt"]


def test_restoring_never_replaces_a_file(place, call):
    done = call(move_to_trash, {"files": [ref(place, "a.txt"), ref(place, "b.txt")]}, directory=str(place))
    (place / "b.txt").write_text("new")
    with pytest.raises(ToolError) as refusal:
        call(restore_from_trash, {"batch": done["batch"]}, directory=str(place))
    assert (refusal.value.code, tree(place), (place / "b.txt").read_text()) == ("taken", ["b.txt", "sub/c.txt"], "new")


@pytest.mark.parametrize("directory", NOBODYS, ids=repr)
def test_directories_that_are_nobodys_to_tidy_are_refused(directory):
    with pytest.raises(ToolError):
        checked_directory(directory)


def test_version_history_is_not_looked_at(place, call):
    (place / ".git").mkdir()
    (place / ".git" / "old-object").write_text("x" * 2000)
    assert call(scan_directory, {"older_than_days": 1, "larger_than_mb": 1}, directory=str(place))["files"] == 3


def test_a_link_to_a_system_directory_is_seen_through(tmp_path):
    (tmp_path / "innocent").symlink_to("/etc")
    with pytest.raises(ToolError) as refusal:
        checked_directory(str(tmp_path / "innocent"))
    assert refusal.value.code == "system_directory"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(place, call):
    os.chown(place, 65534, 65534)
    with pytest.raises(ToolError) as refusal:
        call(find_duplicates, {}, directory=str(place))
    assert refusal.value.code == "not_ours"


def test_the_seeded_directory_is_tidied_by_the_script(tmp_path, call, look):
    spec = importlib.util.spec_from_file_location("janitor_seed", EXAMPLE / "seed.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for _ in range(2):
        module.seed("", tmp_path)
    directory = str(tmp_path / "janitor-demo")
    messages: list[BaseMessage] = [HumanMessage("Tidy what is older than 180 days or larger than 50 MB.")]
    for turn in range(4):
        answer = script(messages)
        messages.append(answer)
        for number, one in enumerate(answer.tool_calls):
            tool = BY_NAME[one["name"]]
            if tool.preview:
                assert look(tool, one["args"], directory=directory).facts["files"] == len(one["args"]["files"])
            result = call(tool, one["args"], key=f"k{turn}-{number}", directory=directory)
            messages.append(ToolMessage(json.dumps({"status": "done", "result": result}), tool_call_id=one["id"]))
    assert "Moved 3 files" in str(messages[-1].content)
    left = tree(tmp_path / "janitor-demo")
    assert "logs/app.log" in left
    assert "invoices/2026/invoice-1002.txt" in left
    assert not any(name.startswith(("backups/", "videos/")) for name in left)


def test_a_directory_given_by_a_link_is_refused_with_where_it_leads(place):
    """The link may lead elsewhere by the time people have agreed to what they saw."""
    link = place.parent / "link-to-it"
    link.symlink_to(place)
    for given in (link, link / "sub"):
        with pytest.raises(ToolError, match="leads through a link"):
            checked_directory(str(given))
    assert checked_directory(f"{place}/") == str(place)
