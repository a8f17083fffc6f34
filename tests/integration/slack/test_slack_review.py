"""The modal: everything a person may do about an action, by the same operations, with errors beside the field."""

import json

import pytest

from approvals import operations
from approvals.models import Action, Ask, Comment, Decision, Edit, Snooze
from approvals.slack import modals
from audit import queries as log
from tests import factories
from tests.factories import call
from tests.integration.slack.test_slack_cards import buttons, card, tick, words

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]


def text(value) -> dict:
    return {"value": {"type": "plain_text_input", "value": value}}


def option(value) -> dict:
    return {"value": {"type": "static_select", "selected_option": {"value": value} if value else None}}


def radio(value) -> dict:
    return {"value": {"type": "radio_buttons", "selected_option": {"value": value} if value else None}}


def boxes(*values) -> dict:
    return {"value": {"type": "checkboxes", "selected_options": [{"value": value} for value in values]}}


def open_at(hands, world, choice: str, user: str = "U0MEI", channel: str = "C0AI"):
    """Open the newest card's review and choose what to do."""
    hands.press(user, channel, card(world, channel)["ts"], "review")
    hands.choose(user, modals.CHOICE, selected_option={"value": choice})
    return hands.open_view(user)


def test_a_choice_that_slack_did_not_take_is_said(hands, world):
    factories.action()
    tick()
    world.faults.set("views.update", "500", times=9)
    open_at(hands, world, "reject")
    tick()
    said = [*world.private("C0AI", "U0MEI"), *(words(message) for message in world.direct("T0HOME", "U0MEI").messages)]
    said.append(words(world.top("U0MEI").view))
    assert any("choose again" in text for text in said), said


def submit(hands, choice: str, **fields):
    return hands.submit("U0MEI", {modals.CHOICE: option(choice), **fields})


@pytest.fixture
def waiting(cast, tmp_path, world) -> Action:
    """An action of a run, as the demo agents make them; its card stands in the channel."""
    _, action = factories.waiting(cast.operator, call(label="a line"), world=str(tmp_path / "world"))
    tick()
    return action


def offered(view) -> list[str]:
    return [o["value"] for b in view["blocks"] if b.get("block_id") == modals.CHOICE for o in b["element"]["options"]]


def test_the_modal_shows_all_arguments_and_offers_what_may_be_done(hands, world, waiting):
    view = open_at(hands, world, "approve").view
    assert "a line" in json.dumps(view) and offered(view) == ["approve", "reject", "edit", "respond", "ask", "reserve", "snooze", "pass_on"]
    assert view["blocks"][0]["type"] == "alert" and len(view["title"]["text"]) <= 24
    assert submit(hands, "approve", reason=text("fine")).body["response_action"] == "update"
    decision = Decision.objects.get()
    assert (decision.verdict, decision.reason, decision.door) == ("approve", "fine", "slack") and decision.proof["click"][
        "slack_user"
    ] == "U0MEI"
    assert "Approved" in json.dumps(hands.open_view("U0MEI").view)


def test_a_submission_that_slack_sends_again_gets_the_recorded_answer(hands, world, waiting):
    open_at(hands, world, "approve")
    first = submit(hands, "approve", reason=text("fine"))
    for retry in (1, 2, 3):
        again = hands.again(retry=retry)
        assert (again.status, again.body) == (200, first.body) and "Approved" in json.dumps(again.body)
    assert Decision.objects.count() == 1


def test_a_rejection_with_a_preset_and_words(hands, world, waiting):
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    assert hands.submit("U0MEI", {modals.CHOICE: option("")}).body["errors"]
    hands.choose("U0MEI", modals.CHOICE, selected_option={"value": "reject"})
    submit(hands, "reject", preset=option("Too broad"), reason=text("only this week"))
    assert Decision.objects.get().reason == "Too broad\nonly this week"
    tick()
    assert "Too broad" in words(card(world))


def test_a_missing_reason_stands_beside_its_field(hands, world, routed, cast):
    from tests.fakes import policy_text
    from tests.integration.slack.conftest import ROUTES

    def strict(data: dict) -> None:
        data["slack"] = ROUTES
        data["requirements"]["medium"]["reason_for"] = ["approve", "reject"]

    routed.write_text(policy_text(strict))
    factories.action()
    tick()
    assert [e["action_id"] for b in card(world)["blocks"] if b["type"] == "actions" for e in b["elements"]] == ["reject", "review"]
    open_at(hands, world, "reject")
    errors = submit(hands, "reject", reason=text("")).body["errors"]
    assert "Say why" in errors["reason"] and not Decision.objects.exists()


def test_an_edit_is_typed_checked_shown_and_asked_for(hands, world, waiting, cast):
    view = open_at(hands, world, "edit").view
    field = next(b for b in view["blocks"] if b.get("block_id") == "edit:label")
    assert field["element"]["initial_value"] == "a line"
    assert "Nothing was changed" in json.dumps(submit(hands, "edit", **{"edit:label": text("a line")}).body)
    answer = submit(hands, "edit", **{"edit:label": text("another line")}, reason=text("typo"))
    assert answer.body["response_action"] == "push" and "a line → another line" in json.dumps(answer.body, ensure_ascii=False)
    assert not Edit.objects.exists()
    hands.submit("U0MEI", {})
    edit = Edit.objects.get()
    assert (edit.by, edit.door, edit.reason) == (cast.reviewer, "slack", "typo")
    assert [e.data["what"] for e in log.timeline(action=str(waiting.pk)) if e.kind == "slack.pressed"] == ["edit"]
    factories.work()
    tick()
    waiting.refresh_from_db()
    assert waiting.version == 2 and "version 2" in words(card(world))
    (reply,) = world.replies("C0AI", card(world)["ts"])
    assert "edited by rita" in reply["text"] and "Why: typo" in words(reply) and "<!date^" in words(reply)


def refused_here(hands, world, to: str) -> tuple[str, str]:
    """Edit in the view what the worker then refuses: what the card says of it, and the reply under it."""
    open_at(hands, world, "edit")
    submit(hands, "edit", **{"edit:label": text(to)})
    hands.submit("U0MEI", {})
    factories.work()
    tick(minutes=1)
    assert Edit.objects.get().state == "REFUSED"
    there = card(world)
    (reply,) = world.replies("C0AI", there["ts"])
    return words(there), words(reply)


@pytest.mark.parametrize("fields", [["label", "times"], ["label"]])
def test_an_edit_that_is_refused_is_said_on_the_card_and_under_it_with_what_may_stand_there(hands, world, routed, cast, tmp_path, fields):
    from tests.fakes import policy_text
    from tests.integration.slack.conftest import ROUTES

    def denying(data: dict) -> None:
        data["slack"] = {**ROUTES, "show": [{"tools": ["append"], "fields": fields, "preview": True}]}
        data["rules"] = [{"name": "short", "match": {"when": "size(args.label) > 8"}, "deny": "No xylophones"}]

    routed.write_text(policy_text(denying))
    _, action = factories.waiting(cast.operator, call(label="a line"), world=str(tmp_path / "world"))
    tick()
    for said in refused_here(hands, world, "a xylophone more"):
        assert "The edit by rita was refused" in said and "The call stands as it was" in said
        assert ("No xylophones" in said) == (fields == ["label", "times"])
    assert "being checked" not in words(card(world))
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    assert "No xylophones" in json.dumps(hands.open_view("U0MEI").view)  # to whoever wrote it
    direct = world.cards(world.direct("T0HOME", "U0MEI").id)
    if fields == ["label"]:  # why does not stand in the channel: they are told that they have to look
        (message,) = direct
        assert "Your edit of append was refused" in message["text"] and "Review says it" in message["text"]
        assert "xylophone" not in json.dumps(message) and buttons(message) == ["review"]
        assert hands.press("U0MEI", world.direct("T0HOME", "U0MEI").id, message["ts"], "review").status == 200
        assert "No xylophones" in json.dumps(hands.open_view("U0MEI").view)
    else:
        assert direct == []
    action.refresh_from_db()
    assert (action.state, action.version) == ("PENDING", 1)


def test_numbers_choices_and_yes_or_no_have_their_own_fields(hands, world, cast, monkeypatch):
    from approvals.slack.rooms import agents

    schema = {
        "type": "object", "required": ["n", "kind"],
        "properties": {"n": {"type": "integer", "maximum": 5}, "kind": {"enum": ["a", "b"]}, "on": {"type": "boolean"}, "deep": {"type": "object"}},
    }  # fmt: skip
    monkeypatch.setattr(agents, "schema_of", lambda detail: schema)
    factories.action(args={"n": 1, "kind": "a", "on": True, "deep": {"x": 1}})
    tick()
    view = open_at(hands, world, "edit").view
    kinds = {b["block_id"]: b["element"]["type"] for b in view["blocks"] if b.get("block_id", "").startswith("edit:")}
    assert kinds == {"edit:n": "number_input", "edit:kind": "radio_buttons", "edit:on": "checkboxes", "edit:deep": "plain_text_input"}
    chosen = {b["block_id"]: b["element"] for b in view["blocks"] if "element" in b}
    assert chosen["edit:kind"]["initial_option"]["value"] == "a" and [o["value"] for o in chosen["edit:on"]["initial_options"]] == ["true"]
    assert chosen[modals.CHOICE]["type"] == "radio_buttons" and chosen[modals.CHOICE]["initial_option"]["value"] == "edit"
    as_it_is = {"edit:n": text("1"), "edit:kind": radio("a"), "edit:on": boxes("true"), "edit:deep": text('{"x": 1}')}
    assert "Nothing was changed" in json.dumps(submit(hands, "edit", **as_it_is).body)
    values = {"edit:n": text("9"), "edit:kind": radio("b"), "edit:on": boxes(), "edit:deep": text('{"x": 1}')}
    assert "At most 5." in submit(hands, "edit", **values).body["errors"]["edit:n"]
    shown = json.dumps(submit(hands, "edit", **{**values, "edit:n": text("2")}).body["view"]["blocks"], ensure_ascii=False)
    assert "n: 1 → 2" in shown and "on: true → false" in shown and "deep" not in shown


def test_only_what_may_be_left_empty_is_optional_and_what_may_not_is_refused_beside_its_field(hands, world, monkeypatch):
    from approvals.slack.rooms import agents

    schema = {
        "type": "object", "required": ["what", "note", "nothing", "on"],
        "properties": {
            "what": {"type": "string"}, "note": {"type": "string"}, "nothing": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "on": {"type": "boolean"}, "more": {"type": "string"},
        },
    }  # fmt: skip
    monkeypatch.setattr(agents, "schema_of", lambda detail: schema)
    factories.action(args={"what": "this", "note": "", "nothing": "x", "on": True, "more": "y"})
    tick()
    view = open_at(hands, world, "edit").view
    optional = {b["block_id"].removeprefix("edit:"): b["optional"] for b in view["blocks"] if b.get("block_id", "").startswith("edit:")}
    assert optional == {"what": False, "note": True, "nothing": True, "on": True, "more": True}
    values = {"edit:what": text(""), "edit:note": text(""), "edit:nothing": text("x"), "edit:on": boxes("true"), "edit:more": text("z")}
    assert submit(hands, "edit", **values).body["errors"] == {"edit:what": "This needs a value"}
    assert submit(hands, "edit", **{**values, "edit:what": text("that")}).body["response_action"] == "push"


@pytest.mark.parametrize(
    ("choices", "kind"),
    [
        ([f"c{n}" for n in range(10)], "radio_buttons"), ([f"c{n}" for n in range(11)], "static_select"), (["c0", "x" * 76], "none"),
        (["c0", 1, "1"], "radio_buttons"), (["c0", "<!channel>"], "radio_buttons"),
    ],
)  # fmt: skip
def test_few_choices_stand_side_by_side_many_in_a_menu_and_what_cannot_be_told_apart_nowhere(hands, world, monkeypatch, choices, kind):
    from approvals.slack.rooms import agents

    monkeypatch.setattr(agents, "schema_of", lambda detail: {"type": "object", "properties": {"c": {"enum": choices}}})
    factories.action(args={"c": "c0"})
    tick()
    view = open_at(hands, world, "edit").view
    kinds = [b["element"]["type"] for b in view["blocks"] if b.get("block_id") == "edit:c"]
    assert kinds == ([] if kind == "none" else [kind]) and ("Not editable here: c" in json.dumps(view)) == (kind == "none")


def test_answer_ask_reserve_give_back_snooze_and_pass_on(hands, world, waiting, cast):
    open_at(hands, world, "ask")
    assert submit(hands, "ask", words=text("")).body["errors"]["words"]
    submit(hands, "ask", words=text("why this one?"))
    assert Ask.objects.get().question == "why this one?"
    open_at(hands, world, "reserve")
    submit(hands, "reserve")
    waiting.refresh_from_db()
    assert waiting.reserved_by == cast.reviewer
    open_at(hands, world, "put_back")
    submit(hands, "put_back")
    open_at(hands, world, "snooze")
    assert "shorter" in json.dumps(submit(hands, "snooze", seconds=option("86400")).body)
    submit(hands, "snooze", seconds=option("900"))
    assert Snooze.objects.get().user == cast.reviewer
    open_at(hands, world, "pass_on")
    assert [o["value"] for o in hands.options("U0MEI", "to", "S").body["options"]] == ["sam"]
    for wrong in ("nobody", "otto", "\x07", ""):  # one who is not there, and one who may not decide it
        assert submit(hands, "pass_on", to=option(wrong)).body["errors"]["to"]
    submit(hands, "pass_on", to=option("sam"))
    waiting.refresh_from_db()
    assert waiting.reserved_by == cast.second
    tick()
    assert len(world.cards(world.direct("T0HOME", "U0JORGE").id)) == 1  # a direct message to whoever has it
    open_at(hands, world, "respond")
    submit(hands, "respond", words=text("use the other form"))
    waiting.refresh_from_db()
    assert waiting.state == "ANSWERED" and Decision.objects.get().response == "use the other form"
    assert [e.data["what"] for e in log.timeline(action=str(waiting.pk), limit=100) if e.kind == "slack.pressed"] == [
        "ask",
        "reserve",
        "put_back",
        "snooze",
        "pass_on",
    ]


def test_above_medium_and_what_is_not_shown_whole_is_only_looked_at(hands, world, cast):
    factories.action("high", args={"what": "that", "account": "DE-1"})
    tick()
    hands.press("U0MEI", "C0RISK", card(world, "C0RISK")["ts"], "review")
    view = hands.open_view("U0MEI").view
    assert (
        "DE-1" in json.dumps(view)
        and not {"approve", "reject", "edit", "respond"} & set(offered(view))
        and "on the web" in json.dumps(view)
    )
    meta = json.loads(view["private_metadata"])
    hands.open_view("U0MEI").view = {**view, "private_metadata": json.dumps({**meta, "choice": "approve"})}
    assert "on the web" in json.dumps(submit(hands, "approve").body) and not Decision.objects.exists()


def test_the_preview_is_shown_in_the_view_and_never_in_the_channel(hands, world, cast):
    factories.action(preview={"summary": "s", "details": {"rows": [["before", 1], ["after", 2]]}})
    tick()
    assert "before" not in words(card(world)) and '"approve"' not in words(card(world))
    view = open_at(hands, world, "approve").view
    assert "preview.rows[0][0]" in json.dumps(view) and "approve" in offered(view)


def test_what_a_preview_says_in_one_line_and_its_figures_are_shown_before_anything_is_decided(hands, world, cast):
    factories.action(preview={"summary": "Deletes 400 customers of Acme", "facts": {"customers": 400}, "details": {}})
    tick()
    assert "400 customers" not in words(card(world)) and '"approve"' not in words(card(world))
    view = open_at(hands, world, "approve").view
    assert "Deletes 400 customers of Acme" in json.dumps(view) and "preview.facts.customers" in json.dumps(view)
    assert "approve" in offered(view)


def test_a_view_of_something_old_shows_what_is_new(hands, world, cast):
    action = factories.action()
    tick()
    open_at(hands, world, "approve")
    factories.decide(action, cast.second, "reject", reason="no")
    assert "Rejected" in json.dumps(submit(hands, "approve").body) and Decision.objects.count() == 1
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    assert "Rejected" in json.dumps(hands.open_view("U0MEI").view)


def test_the_text_of_a_thread_or_view_never_decides(hands, world, waiting):
    hands.reply("U0MEI", "C0AI", "/approve", card(world)["ts"])
    assert Comment.objects.count() == 1 and not Decision.objects.exists()


def test_while_it_is_halted_card_and_view_decide_nothing_and_say_why(hands, world, cast):
    factories.action()
    factories.action(agent="another")
    tick()
    tick(minutes=1)
    order = operations.halt(scope="agent", target="somebody", reason="it misbehaves", by=cast.operator, door="cli")
    tick(minutes=2)
    first, other = world.cards("C0AI")
    assert buttons(first) == ["review"] and "it misbehaves" in words(first)
    assert "approve" in buttons(other) and "it misbehaves" not in words(other)
    hands.press("U0MEI", "C0AI", first["ts"], "review")
    view = hands.open_view("U0MEI").view
    assert "it misbehaves" in json.dumps(view) and not {"approve", "reject", "edit", "respond"} & set(offered(view))
    factories.release(order, cast)
    tick(minutes=3)
    assert [buttons(c) for c in world.cards("C0AI")] == [["approve", "reject", "review"]] * 2


def test_an_answer_stands_on_the_page_and_not_in_the_channel(hands, world, waiting):
    open_at(hands, world, "respond")
    submit(hands, "respond", words=text("her word is xylophone"))
    assert Decision.objects.get().response == "her word is xylophone"
    tick(minutes=1)
    there = card(world)
    said = [words(m) for m in (there, *world.replies("C0AI", there["ts"]))]
    assert len(said) == 2 and all("What was answered stands on the page" in one and "xylophone" not in one for one in said)


def test_two_quick_choices_leave_no_view_that_waits_for_ever(hands, world, waiting):
    open_at(hands, world, "reject")
    answer = submit(hands, "respond")
    assert answer.body["response_action"] == "update" and "Your answer" in json.dumps(answer.body)
    assert not Decision.objects.exists()


def test_an_edit_that_a_view_cannot_keep_is_not_offered(hands, world, cast):
    factories.action(args={f"part_{n}": "x" * 1_100 for n in range(8)})
    tick()
    assert "edit" not in offered(open_at(hands, world, "approve").view)


def test_the_command_lists_what_waits(hands, world, waiting):
    answer = hands.command("U0MEI", "C0AI", "/approvals", "")
    assert "1 action waits for you" in answer.body["text"] and "/actions/" in json.dumps(answer.body)
    assert "not linked" in hands.command("U0STRANGE", "C0AI", "/approvals", "").body["text"]
