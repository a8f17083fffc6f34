"""Declaring a tool, and running one approved call."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from agents.tools import guessing, runner
from agents.tools.registry import BadArgs, Preview, RiskClass, Tool, ToolContext, ToolError, tool
from tests.agents_for_tests import world


@pytest.fixture
def ctx(tmp_path):
    return ToolContext("action", "run", "agent", "key", {"world": str(tmp_path / "world")})


class Amount(BaseModel):
    amount: int


def preview(args: Amount, ctx: ToolContext) -> Preview:
    if args.amount == 0:
        raise ToolError("nothing", "nothing to do")
    return Preview(facts={"amount_cents": 100 // (args.amount - 1), "currency": "EUR"})


@tool(name="t", risk=RiskClass.MONEY, summary="{amount}", preview=preview, timeout_s=0.05)
def declared(args: Amount, ctx: ToolContext) -> dict[str, Any]:
    """What it does."""
    return {"amount": args.amount}


def test_the_declaration_says_everything_people_need():
    said = declared.describe()
    assert said["description"] == "What it does."
    assert (said["reversible"], said["idempotent"], said["has_preview"], said["risk"]) == (False, False, True, "money")
    assert said["schema_sha256"] == declared.schema_sha256


def test_a_tool_without_typed_arguments_is_no_tool():
    def untyped(args: dict, ctx: ToolContext) -> dict:
        return {}

    with pytest.raises(TypeError, match="pydantic"):
        tool(name="t", risk=RiskClass.READ, summary="")(untyped)


def test_confirm_names_an_argument_or_the_tool_is_not_declared():
    def call(args: Amount, ctx: ToolContext) -> dict[str, Any]:
        return {}

    assert tool(name="t", risk=RiskClass.READ, summary="", confirm="amount")(call).describe()["confirm"] == "amount"
    with pytest.raises(TypeError, match=r"confirm='order' is none of its arguments \(amount\)"):
        tool(name="t", risk=RiskClass.READ, summary="", confirm="order")(call)


def test_arguments_are_normalised_once():
    assert declared.validate({"amount": "7"})[1] == {"amount": 7}


@pytest.mark.parametrize("args", [{}, {"amount": "x"}, None, [], "text", {"amount": 2**60}])
def test_bad_arguments_say_which(args):
    with pytest.raises(BadArgs) as refused:
        declared.validate(args)
    assert refused.value.fields


def test_a_model_that_crashes_is_a_bad_argument_too():
    with pytest.raises(BadArgs):
        world.fussy.validate({"label": "crash"})


def test_what_runs_is_what_was_approved_or_nothing(ctx):
    assert runner.run(declared, {"amount": 7}, ctx) == runner.Ran("done", {"amount": 7})
    for changed in ({"amount": "7"}, {"amount": 7, "more": 1}, {"amount": None}):
        ran = runner.run(declared, changed, ctx)
        assert (ran.status, ran.code) == ("failed", "arguments_changed")


@pytest.mark.parametrize(
    ("called", "status", "code", "acted"),
    [
        (world.append, "done", "", True),
        (world.refuse, "failed", "not_today", False),
        (world.explode, "unknown", "exception", True),
        (world.sleep, "unknown", "timeout", True),
    ],
)
def test_what_came_of_a_call(called: Tool, status, code, acted, ctx, tmp_path):
    ran = runner.run(called, {"label": "a", "times": 1}, ctx)
    assert (ran.status, ran.code) == (status, code)
    assert (tmp_path / "world").exists() is acted


def test_a_result_of_any_shape_is_kept(ctx):
    assert runner.run(world.read_deep, {"value": None}, ctx).status == "done"


def test_a_preview_reports_refusals_and_failures_as_such(ctx):
    assert runner.preview(declared, Amount(amount=2), ctx).figures == {"amount_cents": 100}
    assert runner.preview(world.append, None, ctx) == Preview()
    for amount, code in ((0, "nothing"), (1, "preview_failed")):
        with pytest.raises(ToolError) as refused:
            runner.preview(declared, Amount(amount=amount), ctx)
        assert refused.value.code == code


@pytest.mark.parametrize("cost", [-1, True, float("nan"), float("inf"), "12"])
def test_a_cost_that_is_none_is_a_failed_preview(ctx, cost):
    def costly(args: Amount, ctx: ToolContext) -> Preview:
        return Preview(estimated_cost=cost)

    with pytest.raises(ToolError, match="a cost is a number of dollars"):
        runner.preview(replace(declared, preview=costly), Amount(amount=2), ctx)


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        *(
            (name, "read", "asks a person")
            for name in ("ask_user", "AskUserQuestion", "human_assistance", "get_user_input", "ask_followup_question")
        ),
        ("ask_user_to_pay", "admin", "“user” in its name"),
        ("create_user", "admin", "“user” in its name"),
        ("user", "admin", "“user” in its name"),
        ("ask", "write", "no word of its name"),  # perhaps another agent, which does things
        ("get_user_permission", "admin", "“user” in its name"),
        ("issue_refund", "money", "“refund” in its name"),
        ("frobnicate", "write", "no word of its name"),
    ],
)
def test_a_class_is_suggested_with_its_reason_and_asking_a_person_changes_nothing(name, kind, why):
    assert guessing.guessed_class(name) == kind
    assert why in guessing.why_guessed(name)
    assert guessing.asked_class(name) != "read", "of what its author wanted a person for no policy may say that it only reads"


@pytest.mark.parametrize("what_if", [{"x": 5}, {"": print}, {5: print}, {"a\nb": print}])
def test_what_may_be_tried_instead_is_named_and_can_be_called(what_if):
    def one(args: Amount, ctx: ToolContext) -> dict[str, Any]:
        return {}

    assert tool(name="one", risk=RiskClass.READ, summary="One", what_if={"other": one})(one).describe()["what_if"] == ["other"]
    with pytest.raises(TypeError, match="a name and a function"):
        tool(name="one", risk=RiskClass.READ, summary="One", what_if=what_if)(one)
