"""The examples for Pydantic AI and the OpenAI Agents SDK, with the SDKs themselves: what people said is what happens, once."""

import json
import os
import re
import subprocess
from typing import Any

import pytest

from tests.sdks.home import ROOT, python_with_sdks

CALLS = {
    "pydantic_ai_deferred.py": [{"order": "A-23", "amount_cents": 500}],
    "openai_agents_loop.py": [{"order": "A-21", "amount_cents": 300}, {"order": "A-22", "amount_cents": 400}],
}


@pytest.fixture(scope="module", params=CALLS)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What came of it with each verdict, and the calls it proposes."""
    words = [str(python_with_sdks()), str(ROOT / "tests/sdks/started.py"), str(ROOT / "client/examples" / request.param)]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path_factory.mktemp("home")), "PYTHONPATH": str(ROOT / "client")}
    ended = subprocess.run(words, cwd=env["HOME"], env=env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout), CALLS[request.param]


def lines(calls: list[dict[str, Any]]) -> list[str]:
    return [f"refunding {call['amount_cents']} cents of {call['order']}" for call in calls]


def test_what_people_approve_is_done_once_and_reported_when_it_is_done(example):
    came, calls = example[0]["approve"], example[1]
    assert came["asked"] == [["refund", call] for call in calls]
    assert sorted(came["did"]) == lines(calls)
    assert all(call["order"] in came["told"][0] for call in calls)
    assert "done before" in came["told"][1] and came["told"][0].split()[0] in came["told"][1]
    assert sorted(one["result"]["said"] for one in came["reported"]) == [line.replace("refunding", "refunded") for line in lines(calls)]


def test_what_people_edited_is_what_runs(example):
    came, edited = example[0]["edit"], [{**call, "amount_cents": 1} for call in example[1]]
    assert sorted(came["did"]) == lines(edited)
    assert came["told"][0].count("refunded 1 cents") == len(edited)
    assert [one["status"] for one in came["reported"]] == ["done"] * len(edited)


def test_what_people_reject_is_not_done_and_the_model_hears_why(example):
    came = example[0]["reject"]
    assert came["did"] == [] and came["reported"] == []
    assert came["told"][0].count("the goods were not sent back") == len(example[1])


def test_no_leave_is_taken_before_the_call_runs(example):
    """A start that ended between a verdict and the call had claimed it: approved, never run, never reported."""
    came = example[0]["cut"]
    assert came["told"][0] == "ended, with 0 leaves taken"
    assert sorted(came["did"]) == lines(example[1]) and len(came["asked"]) == len(example[1])


def test_the_readme_names_the_versions_that_are_tested():
    lock, readme = (ROOT / "tests/sdks/requirements.lock").read_text(), (ROOT / "client/README.md").read_text()
    for name, version in re.findall(r"^(openai-agents|pydantic-ai-slim)==(\S+)", lock, re.MULTILINE):
        assert f"{name} {version}" in readme
