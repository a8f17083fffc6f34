"""The three graphs as a user's project: loaded by their langgraph.json and driven through every gate."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agents.graphs.loader import load_project
from agents.tools import runner
from agents.tools.registry import ToolContext

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def drive():
    """Run a graph to its end; every proposal is previewed and run, unless its tool is to be rejected."""

    def to_the_end(slug, run_input, reject=()):
        [loaded] = load_project(EXAMPLES / slug / "langgraph.json")
        graph = loaded.compile(InMemorySaver())
        config: Any = {"configurable": {"thread_id": "thread"}}
        prepared = loaded.prepare(run_input)
        seen: list[str] = []
        out = graph.invoke(prepared, config)
        while out.get("__interrupt__"):
            answers = {}
            for pause in out["__interrupt__"]:
                proposal, key = pause.value, f"action-{len(seen)}"
                seen.append(proposal["tool"])
                context = ToolContext(key, "run", slug, key, prepared["input"], "demo")
                answers[pause.id] = {"digest": proposal["digest"], **settle(loaded.tools[proposal["tool"]], proposal, context, reject)}
            out = graph.invoke(Command(resume=answers), config)
        return seen, out["result"]

    def settle(tool, proposal, context, reject):
        if tool.name in reject:
            return {"status": "rejected", "reason": "no"}
        model, normal = tool.validate(proposal["args"])
        runner.preview(tool, model, context)
        ran = runner.run(tool, normal, context)
        return {"status": ran.status, "result": ran.result, "reason": ran.error, "args": normal}

    return to_the_end


def test_a_ticket_is_refunded_and_answered_in_one_step(shop, drive):
    seen, result = drive("refunds", {"ticket_id": "T-1001"})
    assert seen[:2] + sorted(seen[2:]) == ["read_ticket", "get_order", "refund_payment", "send_reply"]
    assert result["success"]
    assert shop.execute("SELECT recipient FROM shop.mailbox").fetchall() == [{"recipient": "alice.carter@mail.example"}]


def test_after_a_rejection_the_ticket_is_handed_over(shop, drive):
    seen, result = drive("refunds", {"ticket_id": "T-1058"}, reject=("refund_payment",))
    assert seen[-2:] == ["refund_payment", "escalate"]
    assert [step["status"] for step in result["steps"]][-2:] == ["rejected", "done"]
    assert shop.execute("SELECT count(*) AS n FROM shop.refunds").fetchone() == {"n": 0}


def test_the_dba_changes_what_was_approved(shop, drive):
    seen, result = drive("dba", {"request": "Set the stock of CER-MUG-04 to 77"})
    assert (seen, result["success"]) == (["list_tables", "plan_statement", "run_statement"], True)
    assert shop.execute("SELECT stock FROM shop.products WHERE sku = 'CER-MUG-04'").fetchone() == {"stock": 77}


def test_the_janitor_moves_the_large_file(tmp_path, drive):
    with open(tmp_path / "large.dump", "wb") as stream:
        stream.truncate(60_000_000)
    seen, _ = drive("janitor", {"directory": str(tmp_path)})
    assert seen == ["scan_directory", "find_duplicates", "move_to_trash"]
    assert not (tmp_path / "large.dump").exists()


def test_a_directory_that_is_not_ours_ends_with_a_sentence(drive):
    assert "belongs to the system" in drive("janitor", {"directory": "/etc"})[1]["result"]


@pytest.mark.parametrize("slug", ["refunds", "janitor", "dba"])
def test_each_agent_declares_itself_in_full(slug):
    [loaded] = load_project(EXAMPLES / slug / "langgraph.json")
    assert loaded.spec is not None
    assert loaded.spec.slug == slug
    assert all(field["description"] for field in loaded.input_schema["properties"].values())
    assert [loaded.prepare(sample) for sample in loaded.spec.sample_inputs]
    for tool in loaded.tools.values():
        assert tool.description
        assert all(field.get("description") for field in tool.schema["properties"].values()), tool.name
        assert str(tool.risk) == "read" or tool.check_outcome or tool.idempotent
