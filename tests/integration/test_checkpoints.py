"""The checkpoints of a run, read without LangGraph: the same as LangGraph says itself, and nothing built of what lies in them."""

import io
import json
from datetime import timedelta

import ormsgpack
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from agents import history
from agents.errors import UnknownCheckpoint
from agents.graphs import checkpoints
from agents.graphs.loader import load_agent
from agents.graphs.unpacked import is_plain, unpacked
from agents.models import Run
from agents.stepped import made
from audit import traces
from tests import factories
from tests.factories import asked, call, decide, work

pytestmark = pytest.mark.usefixtures("agents", "shapes")
TWO = [call(label="first"), call(label="second")]


@pytest.fixture(params=["calls", "row", "inside", "called"])
def run(request, cast, world) -> Run:
    started, _ = factories.waiting(cast.reviewer, *TWO, agent=request.param, world=world)
    for action in asked(started):
        decide(action, cast.second)
    work()
    return Run.objects.get(pk=started.pk)


def ended(cast, world, agent="calls") -> Run:
    started, _ = factories.waiting(cast.reviewer, *TWO, agent=agent, world=world)
    for action in asked(started):
        decide(action, cast.second)
    work()
    return Run.objects.get(pk=started.pk)


def theirs(run: Run) -> list:
    graph = load_agent(*run.agent.code).compile(checkpoints.saver())
    return list(graph.get_state_history({"configurable": {"thread_id": run.thread}}))


def test_what_we_read_is_what_langgraph_says(run):
    ours, wanted = history.checkpoints(run.thread).rows, theirs(run)
    assert len(ours) >= 2
    for one, there in zip(ours, wanted, strict=True):
        assert one.id == there.config["configurable"]["checkpoint_id"]
        assert one.parent == ((there.parent_config or {}).get("configurable") or {}).get("checkpoint_id", "")
        assert sorted(one.next) == sorted(set(there.next))
        assert (one.step, one.source, one.at.isoformat()) == (there.metadata["step"], there.metadata["source"], there.created_at)
        state = history.values(run.thread, one.id)
        held = {name: value for name, value in there.values.items() if value or name in state}
        assert {name: value for name, value in state.items() if is_plain(value)} == {n: v for n, v in held.items() if is_plain(state[n])}
    assert history.head(run.thread) == ours[0].id


def test_every_checkpoint_says_which_version_wrote_it_in_which_stretch(cast, world):
    run = ended(cast, world)
    rows = history.checkpoints(run.thread).rows
    assert {one.version for one in rows} == {"calls@1"}
    assert [one.fence for one in rows] == sorted((one.fence for one in rows), reverse=True)
    assert any(one.asked for one in rows)


def test_pages_follow_each_other(cast, world):
    run = ended(cast, world)
    whole = [one.id for one in history.checkpoints(run.thread).rows]
    first = history.checkpoints(run.thread, limit=2)
    assert [one.id for one in first.rows] + [one.id for one in history.checkpoints(run.thread, before=first.next).rows] == whole


def test_an_object_is_shown_and_never_made():
    evil = ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(("os", "system", "touch /tmp/never"))))
    assert unpacked("msgpack", evil) == {"(type)": "os.system", "value": "touch /tmp/never"}
    assert not is_plain([unpacked("msgpack", evil)])
    assert unpacked("pickle", b"cos\nsystem\n") == {"(type)": "pickle", "bytes": 11}
    assert unpacked("msgpack", b"\xc1 no message pack") == {"(type)": "unreadable", "bytes": 17}


def test_the_page_lists_compares_and_opens_one(web_client, cast, world):
    run = ended(cast, world)
    rows = history.checkpoints(run.thread).rows
    client = web_client(cast.auditor)
    url = f"/runs/{run.pk}/checkpoints/"
    assert url in client.get(f"/runs/{run.pk}/").content.decode()
    page = client.get(url).content.decode()
    assert all(one.id in page for one in rows)
    shown = client.get(url, {"a": rows[0].id, "b": rows[-1].id}).content.decode()
    assert "What changed in the state" in shown
    assert "told" in shown
    assert rows[0].id in client.get(f"{url}{rows[0].id}/").content.decode()
    assert client.get(f"{url}1ef4f797-8335-6428-8001-8a1503f9b875/").status_code == 404
    assert web_client(cast.outsider).get(url).status_code == 403


def test_what_hides_in_the_state_is_revealed(web_client, cast, world):
    run = factories.run(cast.reviewer, call(label="a\u202eb"), world=world)
    work()
    page = web_client(cast.reviewer).get(f"/runs/{run.pk}/checkpoints/{history.head(run.thread)}/").content.decode()
    assert "\u202e" not in page
    assert "202E" in page.upper()


def test_the_command_lists_and_compares(cast, world):
    run = ended(cast, world)
    rows = history.checkpoints(run.thread).rows
    out = io.StringIO()
    call_command("runs", "checkpoints", str(run.pk), stdout=out)
    assert [line.split()[0] for line in out.getvalue().splitlines()] == [one.id for one in rows]
    out = io.StringIO()
    call_command("runs", "checkpoints", str(run.pk), rows[0].id, rows[-1].id[-20:], stdout=out)
    assert "told" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("runs", "checkpoints", str(run.pk), rows[0].id, "f" * 40)


def test_one_that_is_not_there_is_a_named_error(cast, world):
    run = ended(cast, world)
    for wrong in ("", "x", "\x00", json.dumps({})):
        with pytest.raises(UnknownCheckpoint):
            history.values(run.thread, wrong)


@pytest.fixture
def web_client(settings, tmp_path):
    from django.test import Client

    settings.STATIC_ROOT = tmp_path

    def signed_in(user):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in


def test_each_says_how_it_came_about(web_client, cast, world):
    """Time, model, prompt, tokens, cost, policy and tools of the step, as they were recorded while it ran; an error of the node that failed from here."""
    run = ended(cast, world)
    rows = history.checkpoints(run.thread).rows
    until = rows[0].at
    traces.record(
        [
            traces.SpanRecord(
                str(run.pk), "model", "gpt-x", "model:1", until - timedelta(microseconds=20), ended_at=until - timedelta(microseconds=10),
                status="done", attributes={"prompt_sha256": "ab" * 32, "usage": {"total_tokens": 7}, "cost_micros": 1_500},
            )
        ]
    )  # fmt: skip
    how = made(str(run.pk), rows)
    newest = how[rows[0].id]
    assert (newest.models, newest.prompts, newest.tokens, newest.micros) == ({"gpt-x": 1}, ("ab" * 32,), 7, 1_500)
    assert newest.took_ms is not None and newest.took_ms >= 0 and (newest.tools, newest.error) == (run.version.sha256, "")
    assert how[rows[-1].id].took_ms is None  # the input: no node ran
    page = web_client(cast.auditor).get(reverse("run-checkpoint", args=[run.pk, rows[0].id])).text
    assert "gpt-x" in page and "abababababab" in page and run.version.sha256[:12] in page
    out = io.StringIO()
    call_command("runs", "checkpoints", str(run.pk), stdout=out)
    assert "gpt-x x1; 7 tokens" in out.getvalue()


def test_the_error_stands_at_the_checkpoint_from_which_the_node_failed(cast, world):
    run = factories.run(cast.reviewer, agent="poisoned", world=world)
    work()
    rows = history.checkpoints(run.thread).rows
    assert made(str(run.pk), rows)[rows[0].id].error == "this node always falls over"
