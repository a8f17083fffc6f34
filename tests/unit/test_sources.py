"""The code of a project is what its files say now, whatever Python has compiled of them before."""

import importlib
import json
import os
import py_compile
from pathlib import Path

import pytest

from agents.graphs import apart
from agents.graphs.loader import load_project
from agents.graphs.project import read

GRAPH = """
from langgraph.graph import END, START, StateGraph
import {helper}

def {node}(state: dict) -> dict:
    return {{}}

graph = StateGraph(dict).add_node({helper}.PREFIX + "{node}", {node}).add_edge(START, {helper}.PREFIX + "{node}").compile()
"""
WRITTEN = 1_700_000_000  # seconds since 1970: every file of an image built reproducibly bears one time


@pytest.fixture
def written(tmp_path):
    """Write the project's two files, as old as ever and as long as ever, and load it."""
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": {"mine": "./mine.py:graph"}}))

    def write(node: str, prefix: str) -> list[str]:
        for file, text in (("mine.py", GRAPH.format(node=node, helper="beside_mine")), ("beside_mine.py", f"PREFIX = {prefix!r}\n")):
            (tmp_path / file).write_text(text)
            os.utime(tmp_path / file, (WRITTEN, WRITTEN))
        apart.forget(read(tmp_path / "langgraph.json"))  # as a worker does that learns of a new version
        return [node["name"] for node in load_project(tmp_path / "langgraph.json")[0].drawing["nodes"]]

    return write


def test_files_of_one_size_and_time_are_read_anew(written, tmp_path):
    assert "a_pay" in written("pay", "a_")
    assert "a_tip" in written("tip", "a_")
    assert "b_tip" in written("tip", "b_")
    assert list(tmp_path.rglob("*.pyc")) == []  # nor is anything left in the project's folder


def test_what_another_program_compiled_of_a_file_is_not_taken_for_it(written, tmp_path):
    written("pay", "a_")
    for file in ("mine.py", "beside_mine.py"):
        py_compile.compile(str(tmp_path / file))
    assert "b_tip" in written("tip", "b_")


def test_packages_in_an_environment_inside_a_project_are_not_its_code(written, tmp_path, monkeypatch):
    packages = tmp_path / ".venv" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "a_package_there.py").write_text("HERE = 1\n")
    written("pay", "a_")
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    found = importlib.import_module("a_package_there")
    assert Path(found.__cached__).exists()
