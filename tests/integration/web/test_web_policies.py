"""Pages of policies: who sees what, checks beside their lines, back-tests, proposing and publishing; why an action is what it is."""

import pytest

from approvals.models import Backtest, PolicyVersion
from approvals.operations import backtests, people, policies
from tests import factories
from tests.fakes import with_rules

TWO = "- {name: two, match: {tools: [append]}, require: {need: [{group: reviewers, count: 2}]}}\n"
MILD = "- {name: mild, match: {tools: [append]}, at_most: low}\n"


@pytest.fixture
def admin(as_, cast, agents):
    return as_(cast.admin)


@pytest.fixture
def anna(as_, cast):
    return as_(people.ensure_person(username="anna", roles=["admins"]))


def text(answer) -> str:
    return answer.content.decode()


def proposed(client, rules: str = TWO, why: str = "because") -> PolicyVersion:
    answer = client.post("/policies/edit", {"source": with_rules(rules), "justification": why, "do": "propose"})
    made = PolicyVersion.objects.latest("pk")
    assert answer.status_code == 302 and answer["Location"] == f"/policies/{made.pk}/"
    return made


@pytest.mark.parametrize("who", ["reviewer", "operator", "auditor", "admin"])
def test_everybody_with_a_role_reads_and_only_administrators_are_shown_the_editor(as_, cast, policy, who):
    made = policy.write_text(with_rules(TWO))
    client = as_(getattr(cast, who))
    for path in ("/policies/", f"/policies/{made.pk}/"):
        page = text(client.get(path))
        assert "two" in page and ("/policies/edit" in page) == (who == "admin")
    assert client.get("/policies/edit").status_code == (200 if who == "admin" else 403)
    assert client.post("/policies/edit", {"source": "x", "do": "propose"}).status_code == (422 if who == "admin" else 403)


def test_whoever_has_no_role_reads_nothing(as_, cast):
    policies.in_force()
    client = as_(cast.outsider)
    for path in ("/policies/", "/policies/1/", "/policies/backtests/1"):
        assert client.get(path).status_code == 403


def test_the_rail_has_the_key_g_p(web):
    assert 'href="/policies/" aria-current="page" data-go="p"' in text(web.get("/policies/")).replace("\n", "")


def test_a_check_says_what_is_wrong_beside_its_line(admin):
    source = with_rules("- {name: a, match: {tools: [apend]}, deny: x}\n")
    answer = admin.post("/policies/edit", {"source": source, "do": "check"})
    line = source.splitlines().index("rules:") + 2
    page = text(answer)
    assert answer.status_code == 422
    assert f"<b>Line {line}</b>" in page and "did you mean append?" in page
    assert f'<span class="source-no">{line}</span>' in page and "source-bad" in page
    assert not PolicyVersion.objects.filter(state="PROPOSED").exists()


def test_a_check_shows_rules_in_words_the_difference_and_what_it_loosens(admin):
    page = text(admin.post("/policies/edit", {"source": with_rules(MILD), "do": "check"}))
    assert "It can be proposed" in page and "The rule mild is new and asks for less" in page
    assert "is at most low and passes by policy" in page and "diff-add" in page


def test_what_stands_in_a_policy_is_drawn_with_every_character(admin):
    page = text(admin.post("/policies/edit", {"source": with_rules('- {name: a, deny: "<b>x\\u202ey</b>"}\n'), "do": "check"}))
    assert "&lt;b&gt;" in page and "<b>x" not in page


def test_a_draft_is_tried_and_the_page_asks_until_it_is_done(admin, cast):
    factories.action(tool="append")
    page = text(admin.post("/policies/edit", {"source": with_rules(TWO), "do": "test", "last": "1000"}))
    row = Backtest.objects.get()
    assert f'hx-get="/policies/backtests/{row.pk}"' in page and "Waiting for a worker" in page
    backtests.advance(row.pk)
    page = text(admin.get(f"/policies/backtests/{row.pk}"))
    assert "1 actions: 1 would be different" in page and 'hx-trigger="load' not in page
    assert "Who decides: 2 of reviewers instead of 1 of reviewers" in page and "Makes the difference" in page


@pytest.mark.parametrize("last", ["0", "x", "-1", "9" * 30, ""])
def test_an_odd_size_is_no_error(admin, last):
    assert admin.post("/policies/edit", {"source": with_rules(TWO), "do": "test", "last": last}).status_code == 200


def test_a_stricter_proposal_is_published_by_its_author(admin):
    made = proposed(admin)
    assert "Publish, in force at once" in text(admin.get(f"/policies/{made.pk}/"))
    assert admin.post(f"/policies/{made.pk}/publish").status_code == 302
    assert policies.in_force().number == 2
    assert "in force" in text(admin.get(f"/policies/{made.pk}/")) and "Version 2 is in force" in text(admin.get("/policies/"))


def test_a_loosening_one_waits_for_a_second_administrator(admin, anna, web):
    made = proposed(admin, MILD, "less noise")
    own = text(admin.get(f"/policies/{made.pk}/"))
    assert "another administrator has to publish it" in own and "Publish, in force at once" not in own
    refused = admin.post(f"/policies/{made.pk}/publish")
    assert refused.status_code == 403 and "another administrator than ada" in text(refused)
    assert web.post(f"/policies/{made.pk}/publish").status_code == 403
    assert "less noise" in text(anna.get("/policies/"))
    assert anna.post(f"/policies/{made.pk}/publish", {"note": "fine"}).status_code == 302
    assert (policies.in_force().number, PolicyVersion.objects.get(pk=made.pk).note) == (2, "fine")


def test_withdrawing_needs_a_reason_and_is_final(admin):
    made = proposed(admin)
    assert admin.post(f"/policies/{made.pk}/withdraw").status_code == 400
    assert admin.post(f"/policies/{made.pk}/withdraw", {"note": "no"}).status_code == 302
    late = admin.post(f"/policies/{made.pk}/publish")
    assert late.status_code == 409 and "withdrawn by ada already" in text(late)


def test_no_justification_no_proposal(admin):
    answer = admin.post("/policies/edit", {"source": with_rules(TWO), "do": "propose"})
    assert answer.status_code == 422 and "Say why" in text(answer)


def test_a_suggestion_opens_in_the_editor(admin, cast):
    for _ in range(20):
        factories.decide(factories.action(reversible=True, tool="append", agent="calls"), cast.reviewer)
    page = text(admin.get("/policies/"))
    assert "20 of 20 approved unchanged in 30 days" in page and "/policies/edit?suggestion=pass-calls-append" in page
    assert "name: pass-calls-append" in text(admin.get("/policies/edit?suggestion=pass-calls-append"))


@pytest.mark.parametrize("query", ["?version=x", "?version=" + "9" * 40, "?suggestion=none", "?before=x"])
def test_odd_addresses_are_no_error(admin, query):
    assert admin.get("/policies/edit" + query).status_code == 200
    assert admin.get("/policies/" + query).status_code == 200


@pytest.mark.parametrize(
    "path", ["/policies/999/", "/policies/backtests/999", "/policies/edit?version=999", "/policies/99999999999999999999/"]
)
def test_what_is_not_there_is_a_sentence(admin, path):
    assert admin.get(path).status_code == 404


def test_the_action_says_which_rules_applied_under_which_version_and_what_would_have_lowered_it(web, policy):
    made = policy.write_text(with_rules("- {name: watched, about: This one is watched, at_least: critical}\n- {name: less, score: -2}\n"))
    page = text(web.get(f"/actions/{factories.action('high', reversible=False).pk}/"))
    assert "Rule watched" in page and "This one is watched" in page and "\N{MINUS SIGN}2" in page
    assert f'<a href="/policies/{made.pk}/">v2-' in page
    assert "What would have lowered it" in page and "If the rule watched did not apply" in page


def test_a_denied_action_says_that_policy_refused_it(web, policy):
    policy.write_text(with_rules("- {name: nope, deny: Never here}\n"))
    action = factories.action()
    page = text(web.get(f"/actions/{action.pk}/"))
    assert "Policy refuses this: " in page and "Never here (rule nope)" in page
