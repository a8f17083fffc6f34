"""A run's page: timeline, tree and steps; one step whole; the filter; two thousand steps. Hostile text stays text."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from agents import operations, queries
from audit import spans, traces
from tests import factories
from tests.factories import call, decide, work

HTMX = {"HTTP_HX_REQUEST": "true"}
HOSTILE = '</b><a href="/x">Approved by rita</a> \u202eevil <script>alert(1)</script>'


@pytest.fixture
def ended(cast, agents, world):
    """A run whose one call was approved and made."""
    run, action = factories.waiting(cast.operator, call(), world=world)
    decide(action, cast.reviewer)
    work()
    return run, action


def page(client, run, **query) -> str:
    answer = client.get(reverse("run", args=[run.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def tell(run, kind, name, n=1, *, begin=0.0, **more) -> list[traces.SpanRecord]:
    first = now() - timedelta(hours=1) + timedelta(seconds=begin)
    told = [
        traces.SpanRecord(str(run.pk), kind, name, f"{kind}:{uuid.uuid4()}:1", first + timedelta(seconds=i), ended_at=first + timedelta(seconds=i + 0.5),
            status=more.get("status", "done"), input=more.get("given", {"n": i}), output=more.get("came", {"n": i}),
            attributes=more.get("attributes", {}))
        for i in range(n)
    ]  # fmt: skip
    traces.record(told)
    return told


def keys(text: str) -> list[str]:
    return re.findall(r'<li id="step-(\w[\w-]*)"', text)


def test_three_ways_to_look_and_each_has_an_address(web, ended):
    run, action = ended
    drawn = page(web, run)
    assert 'id="run-tab-timeline"' in drawn and drawn.count('aria-current="page"') >= 1
    assert '<rect class="tl-mark' in drawn and 'fill="url(#tl-hatch)"' in drawn
    tree, steps = page(web, run, view="tree"), page(web, run, view="steps")
    assert f'id="step-a{action.pk}"' in tree and 'class="tree"' in tree and "tl-mark" not in tree
    assert f'id="step-a{action.pk}"' in steps and 'class="steps"' in steps
    assert page(web, run, view="nonsense", **{"from": "x"}).count('class="tl-rows"') == 1


def test_a_script_that_asks_gets_the_part_alone(web, ended):
    run, _ = ended
    answer = web.get(reverse("run", args=[run.pk]), {"view": "tree"}, **HTMX)
    part = answer.content.decode()
    assert "<html" not in part and 'id="run-tabs"' in part and 'id="run-look"' in part and 'class="tree"' in part
    assert "HX-Request" in answer["Vary"]  # going back must not show the part for the page


def test_the_tree_nests_a_call_in_its_question_and_that_in_its_node(web, ended):
    run, action = ended
    tree = page(web, run, view="tree")
    (tool,) = [line for line in spans.lines(str(run.pk)) if line.kind == "tool"]
    asked = tree.index(f'id="step-a{action.pk}"')
    node = max(m.start() for m in re.finditer(r'<li id="step-s\d+"', tree[:asked]))
    inside = tree[node : tree.index(f'id="step-s{tool.id}"')]
    assert "propose" in tree[node:asked] and inside.count("<details") == 2 and inside.count("</details") == 0


def test_the_part_that_moves_shows_the_same_way(web, ended):
    run, _ = ended
    drawn = page(web, run, view="tree", q="propose")
    live = re.search(r'id="run-look"[^>]*hx-get="([^"]+)"', drawn).group(1).replace("&amp;", "&")
    part = web.get(live, **HTMX).content.decode()
    assert 'class="tree"' in part and 'hx-swap-oob="innerHTML"' in part and keys(part) == keys(drawn)


def test_a_step_is_shown_whole(web, agents, cast, world):
    run = factories.run(cast.operator, call(), world=world)
    prompt = [{"type": "system", "data": {"content": "Be kind."}}, {"type": "human", "data": {"content": "word " * 900 + "the end"}}]
    tell(run, "model", "gpt", given={"messages": prompt, "tools": [{"name": "refund"}]}, came={"type": "ai", "data": {"content": "I will.",
         "tool_calls": [{"name": "refund", "args": {"cents": 5}}]}}, attributes={"usage": {"total_tokens": 1234}})  # fmt: skip
    (line,) = [one for one in spans.lines(str(run.pk)) if one.kind == "model"]
    url = reverse("run-span", args=[run.pk, f"s{line.id}"])
    whole, part = web.get(url).content.decode(), web.get(url, **HTMX).content.decode()
    for text in ("Instructions to the model", "Be kind.", "the end", "I will.", "The calls it wants", "cents", "1,234"):
        assert text in whole and text in part
    assert "<html" in whole and "<html" not in part and 'id="dialog-title"' in part
    assert url in page(web, run) and url in page(web, run, view="tree") and url in page(web, run, view="steps")


def test_a_call_is_shown_with_what_policy_said_of_it(web, ended):
    run, action = ended
    (tool,) = [line for line in spans.lines(str(run.pk)) if line.kind == "tool"]
    for key in (f"s{tool.id}", f"a{action.pk}"):
        shown = web.get(reverse("run-span", args=[run.pk, key])).content.decode()
        assert "What policy said" in shown and 'class="factor-points' in shown and reverse("action", args=[action.pk]) in shown
        assert "a line" in shown and "Raw result" in shown and "Approved" in shown


def test_a_step_of_another_run_is_not_found_under_this_one(web, ended, cast, world):
    run, action = ended
    other = factories.run(cast.operator, call(), world=world)
    line = spans.lines(str(run.pk))[0]
    for key in (f"s{line.id}", f"a{action.pk}", "s0", "s99999999999999999999", "x1", "a1"):
        assert web.get(reverse("run-span", args=[other.pk, key])).status_code == 404, key


def test_only_whoever_may_see_the_run_sees_its_steps(as_, client, cast, ended):
    run, action = ended
    for key in (f"s{spans.lines(str(run.pk))[0].id}", f"a{action.pk}"):
        url = reverse("run-span", args=[run.pk, key])
        assert as_(cast.outsider).get(url).status_code == 403
        assert client.get(url).status_code == 302
        assert as_(cast.auditor).get(url).status_code == 200


def test_hostile_text_cannot_look_like_ours(web, cast, agents, world):
    run = factories.run(cast.operator, call(), world=world)
    tell(run, "model", HOSTILE, given={"messages": [{"type": HOSTILE, "data": {"content": HOSTILE}}]}, came=HOSTILE)
    tell(run, "tool", HOSTILE, given={HOSTILE: HOSTILE}, came={"x": HOSTILE})
    shown = [page(web, run, view=view) for view in ("timeline", "tree", "steps")]
    shown += [web.get(reverse("run-span", args=[run.pk, f"s{line.id}"])).content.decode() for line in spans.lines(str(run.pk))]
    shown.append(page(web, run, q=HOSTILE))
    for text in shown:
        assert "<script>alert" not in text and '<a href="/x">' not in text
        assert "\u202e" not in re.sub(r'value="[^"]*"|q=[^"&]*', "", text)  # the reader's own words stand in their field
    assert all("U+202E" in text for text in shown[:5])


def test_the_filter_finds_text_in_prompts_and_names_and_states(web, ended):
    run, action = ended
    tell(run, "model", "gpt", given={"messages": ["a needle in 100% hay"]})
    tell(run, "model", "other", status="failed")
    named = {line.name: f"s{line.id}" for line in spans.lines(str(run.pk))}
    assert keys(page(web, run, q="NEEDLE")) == [named["gpt"]]
    assert keys(page(web, run, q="100% h", view="steps")) == [named["gpt"]]
    assert keys(page(web, run, q="100_ h")) == []
    assert keys(page(web, run, q="failed", view="tree")) == [named["other"]]
    assert keys(page(web, run, q=action.tool, view="steps")).count(f"a{action.pk}") == 1
    assert "Nothing in this run holds this text" in page(web, run, q="nowhere")


def test_two_thousand_steps_are_shown_two_hundred_at_a_time(web, cast, agents, world):
    run = factories.run(cast.operator, call(), world=world)
    tell(run, "node", "plan", 2_000, given={"text": "x" * 20_000})
    for view in ("timeline", "tree", "steps"):
        with CaptureQueriesContext(connection) as asked:
            first = page(web, run, view=view, **{"from": "0"})
        assert len(keys(first)) == 200 and len(asked) < 40
        assert "1 to 200 of 2,000" in first and len(first) < 2_500_000
    newest = page(web, run)
    assert "1,801 to 2,000 of 2,000" in newest  # it goes on: where it is now
    later = re.search(r'href="([^"]+)">Later', first).group(1).replace("&amp;", "&")
    second = web.get(later).content.decode()
    assert "201 to 400 of 2,000" in second and not set(keys(first)) & set(keys(second))
    operations.cancel_run(run.pk, reason="enough", by=cast.operator, door="web")
    assert "1 to 200 of 2,000" in page(web, run)
    assert "\N{MULTIPLICATION SIGN}2000" in page(web, run)  # the graph counts all visits, not those of the page


def test_what_must_be_said_stands_above_every_way_to_look(as_, cast, agents, world):
    run, action = factories.waiting(cast.reviewer, call("explode"), world=world)
    decide(action, cast.second)
    work()
    for view in ("timeline", "tree", "steps"):
        assert reverse("effect-resolve", args=[action.pk]) in page(as_(cast.operator), run, view=view)


# -- a part of its time ----------------------------------------------------------------------------------------------------
@pytest.fixture
def branched(cast, agents, world):
    """Two branches side by side in the middle of a run, then one step alone."""
    run = factories.run(cast.operator, call(), world=world)
    run.refresh_from_db()
    begin = run.created_at
    told = [("plan", 0, 2), ("left", 2, 6), ("right", 3, 9), ("finish", 9, 10)]
    traces.record([
        traces.SpanRecord(str(run.pk), "node", name, f"node:t{n}:1", begin + timedelta(seconds=a), ended_at=begin + timedelta(seconds=b), status="done")
        for n, (name, a, b) in enumerate(told)
    ])  # fmt: skip
    return run


def names(text: str) -> list[str]:
    shown = text[text.index("steps-title") : text.index("graph-title")]
    return re.findall(r"<b>(?:<[^>]+>)*(\w+)", shown.partition('class="tl-rows"')[2] or shown)


def test_a_part_of_its_time_is_in_the_address_and_every_way_to_look_shows_it(web, branched):
    for view in ("timeline", "tree", "steps"):
        assert names(page(web, branched, view=view, t0="2.5", t1="5")) == ["left", "right"], view
        assert names(page(web, branched, view=view, t1="1")) == ["plan"]
    drawn = page(web, branched, t0="2.5", t1="5")
    assert 'name="t0" value="2.5"' in drawn and 'name="t1" value="5"' in drawn and "2 from second 2.5 to 5, oldest first" in drawn
    assert re.search(r'id="run-tab-tree" href="[^"]*t0=2\.5&amp;t1=5', drawn) and "All of it</a>" in drawn
    assert re.search(r'hx-get="[^"]*/live\?[^"]*t0=2\.5', drawn)  # what moves stays narrowed
    nothing = page(web, branched, t0="500", t1="600")
    assert "Nothing happened in this time." in nothing and "Show all of it" in nothing
    assert len(names(page(web, branched, t0="nonsense", t1="-1"))) == 4


def test_side_by_side_is_said_in_words_and_drawn_in_lanes(web, branched):
    drawn = page(web, branched)
    assert re.findall(r'<ol class="tl-lane-names">(.*?)</ol>', drawn)[0].count("<li ") == 2 and "branch 2: right" in drawn
    right = drawn[drawn.index(">right<") :]
    assert "branch 2" in right[:400] and "main line" in drawn
    assert 'data-scale="0:0.000' in drawn and 'data-brush-part x="0" y="0" width="0"' in drawn
    part = re.search(r'data-brush-part x="([\d.]+)%" y="0" width="([\d.]+)%"', page(web, branched, t0="2.5", t1="5"))
    assert (float(part[1]), float(part[2])) == (25, 25)


def test_a_step_says_how_many_tokens_were_used_in_it(web, branched):
    begin = branched.created_at + timedelta(seconds=2.5)
    told = {"usage": {"total_tokens": 1_200}}
    for parent, key in (("left:t1", "a"), ("left:t1/inner:x", "b"), ("right:t2", "c")):
        traces.record(
            [
                traces.SpanRecord(
                    str(branched.pk), "model", "m", f"model:{key}", begin, ended_at=begin, status="done", parent=parent, attributes=told
                )
            ]
        )
    (left,) = [one for one in spans.lines(str(branched.pk)) if one.name == "left"]
    text = web.get(reverse("run-span", args=[branched.pk, f"s{left.id}"])).content.decode()
    assert "Tokens inside" in text and "2,400" in text and spans.inside(str(branched.pk), left.id).calls == 2


def test_two_thousand_steps_are_drawn_at_a_glance_in_a_page_that_stays_small(web, cast, agents, world):
    run = factories.run(cast.operator, call(), world=world)
    run.refresh_from_db()
    begin = run.created_at
    traces.record([
        traces.SpanRecord(str(run.pk), "node", f"n{n % 3}", f"node:t{n}:1", begin + timedelta(seconds=n), ended_at=begin + timedelta(seconds=n + 1.5),
            status="done") for n in range(2_000)
    ])  # fmt: skip
    with CaptureQueriesContext(connection) as asked:
        drawn = page(web, run, t0="100", t1="1500")
    assert len(keys(drawn)) == 200 and drawn.count("tl-strip-work") <= 1_400 and len(drawn) < 700_000
    with CaptureQueriesContext(connection) as fewer:
        page(web, run, t0="100", t1="101")
    assert len(asked) <= len(fewer) + 1


@pytest.mark.usefixtures("agents", "shapes")
def test_the_picture_of_a_graph_inside_shows_where_the_run_is_and_was(web, cast, world):
    run, action = factories.waiting(cast.operator, call(), agent="inside", world=world)
    place = next(pause.place for pause in queries.run_detail(run.pk).pauses)
    outer, _, inner = place.rpartition(":")
    assert outer and place in {str(node["id"]) for node in queries.run_detail(run.pk).drawing["nodes"]}
    assert re.search(rf"{inner}[^<]*(<[^>]*>\s*)*[^<]*the run is here", page(web, run))
    decide(action, cast.reviewer)
    work()
    assert spans.totals(str(run.pk)).visits[place] == 1
    assert re.search(rf"{inner}[^<]*(<[^>]*>\s*)*[^<]*visited 1 time", page(web, run))
