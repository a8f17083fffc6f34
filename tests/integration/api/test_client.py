"""The Python client and its command line, against this very server."""

import asyncio
import io
import json
import os
import socket
import subprocess
import sys
import time
import traceback

import httpx
import pytest
from django.core.wsgi import get_wsgi_application

from agents.models import Run
from approvals import operations as approvals
from approvals.models import Action
from approvals.operations import verdicts
from audit import schemas
from countersign import (
    ApiError,
    AsyncClient,
    Client,
    Conflict,
    NotApproved,
    NotConfigured,
    NotDecidedInTime,
    Unreachable,
    cli,
    client,
    guard,
    idempotency,
    require_approval,
    wait,
)
from countersign._calls import Call
from countersign.testing import Desk, auto_decide
from tests import factories
from tests.factories import decide
from tests.integration.api.conftest import Handed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(client, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("countersign._timing.LEAST_S", 0.01)


def of(program, **more) -> Client:
    return Client(
        "http://localhost", program.token, transport=httpx.WSGITransport(get_wsgi_application(), raise_app_exceptions=False), **more
    )


def test_it_asks_waits_claims_and_reports(agent, cast):
    with of(agent) as people:
        action = people.request("note", {"text": "hello"}, key="k-1", rationale="because")
        assert people.request("note", {"text": "hello"}, key="k-1").id == action.id
        with pytest.raises(NotDecidedInTime):
            people.wait(action.id, timeout_s=0)
        decide(Action.objects.get(), cast.reviewer)
        leave = people.approval(action.id)
        assert leave.args == {"text": "hello"}
        assert people.report(action.id, "done", result={"n": 1}).outcome["result"] == {"n": 1}
        with pytest.raises(Conflict):
            people.claim(action.id)


def test_an_action_is_named_as_it_was_returned_or_by_its_id():
    desk = Desk()
    with desk.client() as people, idempotency("once"):
        action = people.request("note", {"text": "hello"})
        assert people.get(action).id == people.wait(action).id == action.id
        leave = people.approval(action)
        with pytest.raises(Conflict):
            people.claim(action)
        assert people.report(leave, "done").id == action.id
        with pytest.raises(Conflict):
            people.withdraw(action, "no")
        assert people.decide(action, "approve", action.digest)["id"] == action.id
        assert people.request("note", {"text": "hello"}).id != action.id, "it is over in its scope"


async def test_an_action_is_named_so_where_it_is_awaited_too():
    async with Desk().async_client() as people:
        action = await people.request("note", {"text": "hello"})
        leave = await people.approval(action)
        assert (await people.report(leave, "done")).id == (await people.wait(action)).id == (await people.get(action)).id == action.id


@pytest.mark.parametrize("wrong", [{"id": "x"}, None, 7])
def test_what_names_no_action_is_refused_with_what_to_give(wrong):
    with Desk().client() as people, pytest.raises(TypeError, match="Give an action, as `request` returns it, or its id"):
        people.wait(wrong)
    with auto_decide(), pytest.raises(TypeError, match="Give an action"):
        wait(wrong)


def test_a_rejection_an_expiry_and_a_misfit_are_named(agent, cast):
    with of(agent) as people:
        action = people.request("note", {"text": "hello"})
        decide(Action.objects.get(), cast.reviewer, "reject", reason="not now")
        with pytest.raises(NotApproved, match=r"rejected by rita\): not now"):
            people.approval(action.id)
        with pytest.raises(ApiError) as misfit:
            people.request("note", {"text": 5})
        assert (misfit.value.status, misfit.value.code, list(misfit.value.fields)) == (422, "bad_arguments", ["text"])
        asked = people.ask("Blue?")
        decide(Action.objects.get(pk=asked.id), cast.reviewer, "respond")
        assert people.wait(asked.id).response == "an answer"


def test_a_guarded_function_runs_with_the_arguments_people_agreed_to_and_once(agent, cast, monkeypatch, token):
    did = []

    @require_approval("look")
    def look(where: str, depth: int = 1) -> dict:
        did.append((where, depth))
        return {"found": 3}

    monkeypatch.setattr(guard, "_default", lambda: of(agent))
    with idempotency("job-1"):
        assert look("here") == {"found": 3}
    action = Action.objects.get()
    assert did == [("here", 1)] and action.outcome["result"] == {"found": 3}
    with idempotency("job-1"):  # started again: it was done, and is not done twice
        assert look("here") == {"found": 3}
    assert did == [("here", 1)] and Action.objects.count() == 1


def test_what_a_guarded_function_raises_is_reported_as_unknown(agent, monkeypatch, cast):
    @require_approval("look")
    def look() -> None:
        raise ValueError("half way")

    monkeypatch.setattr(guard, "_default", lambda: of(agent))
    with pytest.raises(ValueError, match="half way"):
        look()
    assert Action.objects.get().outcome["status"] == "unknown"


def test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(agent, cast):
    real, lost = httpx.WSGITransport(get_wsgi_application()), [2]

    class Lossy(httpx.BaseTransport):
        def handle_request(self, request):
            answer = real.handle_request(request)
            if lost[0]:
                lost[0] -= 1
                answer.read()
                raise httpx.ReadError("lost")
            return answer

    with Client("http://localhost", agent.token, transport=Lossy()) as people:
        people.request("note", {"text": "once"})
    assert Action.objects.count() == 1
    lost[0] = 99
    with Client("http://localhost", agent.token, transport=Lossy()) as people, pytest.raises(Unreachable):
        people.get(str(Action.objects.get().pk))


@pytest.mark.usefixtures("agents")
def test_a_run_whose_answer_is_lost_is_started_once(monkeypatch, token, cast, world, capsys):
    """Without --once it was started twice."""
    real, lost = httpx.WSGITransport(get_wsgi_application()), [2]

    class Lossy(httpx.BaseTransport):
        def handle_request(self, request):
            answer = real.handle_request(request)
            lost[0] -= 1
            if lost[0] >= 0:
                return httpx.Response(503, json={"code": "database_unavailable", "detail": "whether it is, shows"})
            return answer

    olga = token(cast.operator).token
    monkeypatch.setattr(cli, "Client", lambda url, key: Client("http://localhost", olga, transport=Lossy()))
    start = ("runs", "start", "calls", "--input", json.dumps({"calls": [], "world": world}))
    assert cli.main(start) == 0 and Run.objects.count() == 1
    lost[0] = 99
    assert cli.main(start) == cli.UNREACHABLE and "whether it is" in capsys.readouterr().err and Run.objects.count() == 2


def test_tests_decide_by_themselves():
    @require_approval()
    def refund(order: str) -> str:
        return f"refunded {order}"

    with auto_decide() as desk:
        assert refund("A-17") == "refunded A-17"
    assert desk.asked == [("refund", {"order": "A-17"})] and desk.outcomes[0]["status"] == "done"
    with auto_decide(lambda tool, args: {"verdict": "reject", "reason": "no"}), pytest.raises(NotApproved, match="no"):
        refund("A-18")
    with auto_decide(lambda tool, args: {"verdict": "approve", "args": {"order": "B-1"}}):
        assert refund("A-19") == "refunded B-1"


async def test_the_same_for_programs_that_await():
    @require_approval(on_rejection=lambda refusal: f"refused: {refusal.reason}")
    async def refund(order: str) -> str:
        return f"refunded {order}"

    with auto_decide():
        assert await refund("A-17") == "refunded A-17"
    with auto_decide(lambda tool, args: {"verdict": "reject", "reason": "no"}):
        assert await refund("A-17") == "refused: no"


class Slow(Handed):
    """Takes its time over one kind of request: before the server has it (a report), or before its answer is there (a claim)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind, self.reached = kind, asyncio.Event()

    async def handle_async_request(self, request):
        if not request.url.path.endswith(self._kind) or self.reached.is_set():
            return await super().handle_async_request(request)
        answer = await super().handle_async_request(request) if self._kind == "/claim" else None
        self.reached.set()
        await asyncio.sleep(0.4)
        return answer or await super().handle_async_request(request)


async def cancelled(doing: "asyncio.Task[object]") -> None:
    doing.cancel()
    await asyncio.sleep(0.05)
    doing.cancel()  # once more, by somebody who has no patience
    with pytest.raises(asyncio.CancelledError):
        await doing


async def timed_out(doing: "asyncio.Task[object]") -> None:
    async def within() -> None:
        try:
            async with asyncio.timeout(0.05):
                await doing
        finally:
            assert doing.done()

    with pytest.raises(TimeoutError):
        await within()


@pytest.mark.parametrize("stop", [cancelled, timed_out])
@pytest.mark.parametrize(("kind", "status", "did"), [("/claim", "failed", []), ("/outcome", "done", ["looked"])])
async def test_who_is_cancelled_by_asyncio_leaves_no_leave_that_nobody_has_and_no_outcome_unsaid(agent, kind, status, did, stop):
    slow, ran = Slow(kind), []
    async with AsyncClient("http://localhost", agent.token, transport=slow) as people:

        @require_approval("look", client=people)
        async def look() -> None:
            ran.append("looked")

        doing = asyncio.create_task(look())
        await slow.reached.wait()
        await stop(doing)
    assert ran == did and (await Action.objects.aget()).outcome["status"] == status


async def test_what_is_cancelled_while_its_function_fails_says_what_it_raised(agent):
    slow = Slow("/outcome")
    async with AsyncClient("http://localhost", agent.token, transport=slow) as people:

        @require_approval("look", client=people)
        async def look() -> None:
            raise ValueError("half way")

        doing = asyncio.create_task(look())
        await slow.reached.wait()
        await cancelled(doing)
    outcome = (await Action.objects.aget()).outcome
    assert outcome["status"] == "unknown" and "half way" in outcome["reason"]


async def test_what_was_done_when_its_time_was_up_is_given_to_who_starts_it_again(agent):
    slow = Slow("/outcome")
    async with AsyncClient("http://localhost", agent.token, transport=slow) as people:

        @require_approval("look", client=people)
        async def look() -> str:
            return "seen"

        with idempotency("job"), pytest.raises(TimeoutError):
            doing = asyncio.create_task(look())
            await slow.reached.wait()
            await asyncio.wait_for(doing, 0.05)
        with idempotency("job"):  # the same again is given what was done
            assert await look() == "seen"
    assert await Action.objects.acount() == 1


@pytest.fixture
def command(monkeypatch, capsys):
    def run(program, *words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(cli, "Client", lambda url, key: of(program))
        status = cli.main(words)
        out = capsys.readouterr()
        return status, out.out, out.err

    return run


def test_the_command_lists_shows_and_decides(command, token, cast):
    rita, action = token(cast.reviewer), factories.action(summary="Pay\x1b[2J now")
    status, out, _ = command(rita, "actions", "list")
    assert status == 0 and str(action.pk) in out and "Pay<U+001B>[2J now" in out
    for words in (("--json", "actions", "list"), ("actions", "list", "--json")):
        assert json.loads(command(rita, *words)[1])[0]["digest"] == action.digest
    assert "1 of reviewers" in command(rita, "actions", "show", str(action.pk))[1]
    assert command(rita, "actions", "approve", str(action.pk), "--digest", "0" * 64)[0] == cli.REFUSED
    assert command(rita, "actions", "approve", str(action.pk), "--digest", action.digest, "--reason", "fine") == (0, "approved\n", "")
    status, _, err = command(rita, "actions", "reject", str(action.pk), "--reason", "late")
    assert status == cli.REFUSED and "Already approved by rita" in err
    risky = factories.action("high")
    status, _, err = command(rita, "actions", "approve", str(risky.pk), "--digest", risky.digest, "--reason", "fine")
    assert status == cli.REFUSED and f"/actions/{risky.pk}/" in err


class Terminal(io.StringIO):
    """Somebody who answers what they are asked; `meanwhile` is what happens while they read."""

    def __init__(self, words: str, meanwhile=lambda: None) -> None:
        super().__init__(words)
        self._meanwhile = meanwhile

    def isatty(self) -> bool:
        return True

    def readline(self, *args) -> str:  # type: ignore[override]
        self._meanwhile()
        return super().readline(*args)


def edit(action: Action, by) -> None:
    approvals.request_edit(action.pk, by=by, seen_digest=action.digest, args={"text": "something else"}, door="web")
    factories.work()


def test_the_command_says_yes_only_to_what_was_seen(command, token, cast, agent, monkeypatch):
    rita = token(cast.reviewer)
    with of(agent) as program:
        action = Action.objects.get(pk=program.request("note", {"text": "C-17"}).id)
        question = Action.objects.get(pk=program.ask("Blue?").id)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # a pipe: nobody looks
    for words in (("approve", str(action.pk)), ("answer", str(question.pk), "blue")):
        status, out, err = command(rita, "actions", *words)
        assert (status, out) == (cli.USAGE, "") and "--digest" in err and "countersign actions show" in err
    for said in ("n\n", "\n", ""):
        monkeypatch.setattr("sys.stdin", Terminal(said))
        status, _, err = command(rita, "actions", "approve", str(action.pk), "--reason", "fine")
        assert status == cli.REFUSED and action.digest in err and '"C-17"' in err and "[y/N]" in err
    monkeypatch.setattr("sys.stdin", Terminal("y\n", lambda: edit(action, cast.second)))
    status, _, err = command(rita, "actions", "approve", str(action.pk), "--reason", "fine")
    action.refresh_from_db()
    assert status == cli.REFUSED and (action.state, action.version) == ("PENDING", 2)
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    status, out, err = command(rita, "actions", "approve", str(action.pk), "--reason", "fine")
    assert (status, out) == (0, "approved\n") and "something else" in err
    monkeypatch.setattr("sys.stdin", Terminal("Yes\n"))
    assert command(rita, "actions", "answer", str(question.pk), "blue")[0] == 0


@pytest.mark.parametrize(("words", "value"), [("no", False), ("false", False), ("Yes", True), ("-30", -30), ("null", None), ('"no"', "no")])
def test_an_answer_is_a_text_or_with_as_json_what_it_means(command, token, cast, agent, words, value):
    rita = token(cast.reviewer)
    with of(agent) as program:
        plain, typed = (Action.objects.get(pk=program.ask("Delete it?").id) for _ in range(2))
    assert command(rita, "actions", "answer", str(plain.pk), words, "--digest", plain.digest)[0] == 0
    assert command(rita, "actions", "answer", str(typed.pk), words, "--as-json", "--digest", typed.digest)[0] == 0
    for one, meant in ((plain, words), (typed, value)):
        one.refresh_from_db()
        told = verdicts.told(one)
        assert schemas.meant(told["response"], None, as_json=told.get("json", False)) == meant


def test_what_is_no_value_is_said_before_anything_is_sent(command, token, cast, agent):
    with of(agent) as program:
        asked = Action.objects.get(pk=program.ask("Delete it?").id)
    status, _, err = command(token(cast.reviewer), "actions", "answer", str(asked.pk), "never", "--as-json", "--digest", asked.digest)
    asked.refresh_from_db()
    assert status == cli.USAGE and "neither yes, no" in err and asked.state == "PENDING"


@pytest.mark.usefixtures("agents")
def test_the_command_starts_follows_and_halts(command, token, cast, world):
    olga = token(cast.operator)
    status, out, _ = command(olga, "runs", "start", "calls", "--input", json.dumps({"calls": [], "world": world}), "--once", "r-1")
    run = out.split()[0]
    factories.work()
    status, out, err = command(olga, "runs", "tail", run)
    assert status == 0 and "run.created" in out and "SUCCEEDED" in err
    assert command(olga, "halt", "--reason", "r")[0] == cli.USAGE
    status, out, _ = command(olga, "halt", "--agent", "calls", "--count")
    assert (status, out.startswith("Nothing is ordered. Halting agent calls now: runs stopped: 0;")) == (0, True)
    assert "calls" not in command(olga, "halt", "--list")[1]
    status, out, err = command(olga, "halt", "--agent", "calls", "--reason", "looking")
    number = out.partition("(")[2].partition(")")[0]
    assert (status, out, err) == (0, f"Halted ({number}): agent calls\n", "") and number.isdecimal()
    status, out, _ = command(olga, "doctor")
    assert status == cli.NOT_WELL and "looking" in out
    assert command(olga, "halt", "--release", number, "--count", "--reason", "well")[0] == cli.USAGE
    assert command(olga, "halt", "--release", number, "--reason", "well")[0] == 0
    assert command(olga, "doctor")[0] == 0


@pytest.mark.usefixtures("shapes")
def test_the_command_tells_why_a_run_failed_first_and_its_traceback_line_by_line(command, token, cast, world):
    run = factories.run(cast.operator, agent="poisoned", world=world)
    factories.work()
    status, out, err = command(token(cast.operator), "runs", "tail", str(run.pk))
    at = next(number for number, line in enumerate(out.splitlines()) if "run.failed" in line)
    failed, first, *_ = out.splitlines()[at:]
    assert (status, err) == (cli.NOT_WELL, "FAILED\n") and "U+000A" not in out
    assert failed.endswith("RuntimeError: this node always falls over") and first.startswith("    ")


@pytest.mark.usefixtures("shapes")
def test_the_command_has_a_failed_run_ask_again(command, token, cast, world):
    run, question = factories.waiting(cast.reviewer, agent="number", world=world)
    olga = token(cast.operator)
    status, _, err = command(olga, "runs", "ask-again", str(run.pk))
    assert status == cli.REFUSED and "failed" in err
    decide(question, cast.second, "respond", response="a few")
    factories.work()
    assert command(olga, "runs", "ask-again", str(run.pk))[0] == 0
    factories.work()
    assert factories.asked(run)[0].follows == question.pk


def test_the_command_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.delenv("COUNTERSIGN_URL", raising=False)
    assert cli.main(["doctor"]) == cli.NOT_CONFIGURED and "COUNTERSIGN_URL" in capsys.readouterr().err
    with pytest.raises(NotConfigured):
        Client()
    assert cli.main(["--url", "http://127.0.0.1:9", "--key", "x", "doctor"]) == cli.UNREACHABLE
    with pytest.raises(SystemExit) as wrong:
        cli.main(["runs", "start", "x", "--input", "{"])
    assert wrong.value.code == cli.USAGE


SECRET = "cs_person_abcdef0123456789"


@pytest.mark.parametrize("key", [f"{SECRET}\n", f"  {SECRET}\r\n\t"])
def test_white_space_around_a_key_is_no_part_of_it(key, monkeypatch):
    heard = []

    def answer(request):
        heard.append(request.headers["Authorization"])
        return httpx.Response(200, json={})

    monkeypatch.setenv("COUNTERSIGN_KEY", key)
    with Client(" http://desk.test\n", transport=httpx.MockTransport(answer)) as people:
        people.call(Call("GET", "/me"))
    assert heard == [f"Bearer {SECRET}"]


def test_the_command_marks_letters_that_look_like_others(command, token, cast):
    """What the page marks was printed as it looks, also where the whole word is disguised."""
    mixed, whole = "p\u0430ypal", "\u0440\u0430\u0443\u0440\u0430\u04cf"
    summary = f"Pay {mixed}\u3164 now, \u041f\u0440\u0438\u0432\u0435\u0442"
    action = factories.action(summary=summary, args={"to": mixed, "host": f"{whole}.com"})
    rita = token(cast.reviewer)
    shown = "Pay p\u0430<U+0430>ypal<U+3164> now, \u041f\u0440\u0438\u0432\u0435\u0442"
    assert shown in command(rita, "actions", "list")[1] and shown in (out := command(rita, "actions", "show", str(action.pk))[1])
    assert "marked       summary (" in out and "to (letters of different alphabets" in out and "host (" in out
    assert len(json.loads(command(rita, "--json", "actions", "show", str(action.pk))[1])["marks"]) == 3


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://127.0.0.1:9", f"{SECRET}\n{SECRET}"),
        ("http://127.0.0.1:9", f"{SECRET}\x00"),
        ("http://127.0.0.1:9", f"„{SECRET}“"),
        ("http://[::1", SECRET),
        ("127.0.0.1:9", SECRET),
        ("http://", SECRET),
        ("http://x:99999", SECRET),
        (SECRET, "http://127.0.0.1:9"),  # the two mixed up
    ],
)
def test_a_key_or_an_address_that_cannot_be_sent_is_said_and_never_shown(monkeypatch, capsys, url, key):
    monkeypatch.setenv("COUNTERSIGN_URL", url)
    monkeypatch.setattr("os.environ", {**os.environ, "COUNTERSIGN_KEY": key})  # as a caller in this process could
    for kind in (Client, AsyncClient):
        with pytest.raises(NotConfigured) as said:
            kind()
        assert SECRET not in "".join(traceback.format_exception(said.value))
    assert cli.main(["doctor"]) == cli.NOT_CONFIGURED
    assert SECRET not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda: httpx.Response(200, html="<p>Sign in</p>"), "text/html"),
        (lambda: httpx.Response(200, json=[]), "application/json"),
        (lambda: httpx.Response(302, headers={"Location": "/login/"}), "'/login/'"),
        (lambda: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"hello")), "DecodingError"),
    ],
)
def test_what_is_not_countersign_is_said_to_be_nobody_in_one_sentence(answer, says, monkeypatch, capsys):
    """A proxy's page, another program, a sign-in in front: each was a traceback."""
    plain = httpx.Client

    def client(**more):
        more.pop("transport")
        return plain(**more, transport=httpx.MockTransport(lambda request: answer()))

    monkeypatch.setattr("countersign.client.httpx.Client", client)
    monkeypatch.setattr("countersign.client.FIRST_PAUSE_S", 0)
    assert cli.main(["--url", "http://127.0.0.1:9", "--key", "x", "runs", "tail", "4711"]) == cli.UNREACHABLE
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1


def test_to_stop_following_a_run_is_said_and_has_its_status(monkeypatch, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("countersign.client.Client.progress", stopped)
    assert cli.main(["--url", "http://127.0.0.1:9", "--key", "x", "runs", "tail", "4711"]) == 130
    assert "the run goes on" in capsys.readouterr().err


def test_a_management_command_whose_reader_has_enough_ends_quietly():
    with subprocess.Popen([sys.executable, "manage.py", "help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        command.stdout.close()
        assert b"Traceback" not in command.stderr.read()
    assert command.returncode == 0


@pytest.mark.parametrize(("said", "least"), [("7", 7), ("4000", 60), ("soon", 0.5), (None, 0.5)])
def test_it_waits_as_long_as_the_server_asks(said, least, monkeypatch):
    """Three tries within four seconds, and then an error, whatever `Retry-After` said."""
    waited: list[float] = []
    monkeypatch.setattr("countersign.client.FIRST_PAUSE_S", 0.5)
    monkeypatch.setattr("countersign.client.time.sleep", waited.append)
    left = [httpx.Response(429, json={}, headers={"Retry-After": said} if said else {})]
    serves = httpx.MockTransport(lambda request: left.pop() if left else httpx.Response(200, json={"ok": True}))
    with Client("http://127.0.0.1:9", "x", transport=serves) as client:
        assert client.call(Call("GET", "/me")) == {"ok": True}
    assert waited == [least]


@pytest.mark.parametrize("states", [[200, 429, 429, 429, 429, 429], [200, 503, 503, 503, 503]])
def test_a_wait_ends_in_time_whatever_the_server_asks_and_looks_a_last_time(agent, states, monkeypatch):
    """The server's patience is not the caller's: whoever gave a time hears "not decided" when it is over."""
    with of(agent) as people:
        action = people.request("note", {"text": "hello"})
        body, left = people.call(Call("GET", f"/actions/{action.id}")), list(states)

    def serve(request):
        status = left.pop(0) if left else 429
        return httpx.Response(status, json=body if status == 200 else {}, headers={} if status == 200 else {"Retry-After": "25"})

    with Client("http://127.0.0.1:9", "x", transport=httpx.MockTransport(serve)) as client:
        begun = time.monotonic()
        with pytest.raises(NotDecidedInTime):
            client.wait(action.id, timeout_s=0.6)
    assert 0.5 < time.monotonic() - begun < 3


@pytest.mark.parametrize("awaits", [False, True])
async def test_who_waits_for_people_outlives_a_restart_of_the_server_and_says_when_it_stays_away(monkeypatch, awaits):
    texts = dict.fromkeys(("digest", "level", "summary", "tool", "url"), "")
    body = texts | {"id": "x", "state": "PENDING", "next": "wait", "args": {}, "expires_at": "2027-01-01T00:00:00Z"}
    said = iter([200, 500, 502, 503, None, 500, 500, None, None, None, None, 200])

    def serve(request):
        status = next(said, None)
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, json=body | ({"next": "claim"} if next(answers) else {}) if status == 200 else None)

    answers = iter([False, True])
    made = (AsyncClient if awaits else Client)("http://127.0.0.1:9", "x", transport=httpx.MockTransport(serve))

    async def wait():
        return await made.wait("x") if awaits else made.wait("x")

    assert (await wait()).next == "claim"
    said, answers = iter([200]), iter([False])
    monkeypatch.setattr("countersign.client.AWAY_S", 0.0)
    with pytest.raises(Unreachable):
        await wait()


@pytest.mark.parametrize("awaits", [False, True])
async def test_who_follows_a_run_outlives_a_restart_of_the_server_too(monkeypatch, awaits):
    monkeypatch.setattr("countersign.client.LEAST_S", 0.01)
    said = iter([200, None, None, None, None, None, 503, 200])
    stories = iter([{"events": [{"id": 1}], "finished": False}, {"events": [{"id": 1}, {"id": 2}], "finished": True}])

    def serve(request):
        status = next(said, None)
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, json=next(stories) if status == 200 else None)

    served = httpx.MockTransport(serve)

    async def follow():
        if awaits:
            return [event async for event in AsyncClient("http://127.0.0.1:9", "x", transport=served).progress("x")]
        return list(Client("http://127.0.0.1:9", "x", transport=served).progress("x"))

    assert [event["id"] for event in await follow()] == [1, 2]
    with pytest.raises(Unreachable):  # one that never answered is not waited for
        await follow()


def test_a_very_short_wait_hears_of_what_was_decided_meanwhile(agent):
    with of(agent) as people:
        action = people.request("note", {"text": "hello"})
        body = people.call(Call("GET", f"/actions/{action.id}"))
    looks = iter([{"state": "PENDING", "next": "wait"}, {"state": "APPROVED", "next": "claim"}])
    serves = httpx.MockTransport(lambda request: httpx.Response(200, json=body | next(looks)))
    with Client("http://127.0.0.1:9", "x", transport=serves) as client:
        assert client.wait(action.id, timeout_s=0.005).next == "claim"


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_people_are(monkeypatch):
    monkeypatch.setattr("countersign._timing.GRACE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute, Client(f"http://127.0.0.1:{mute.getsockname()[1]}", "x") as client:
        begun = time.monotonic()
        with pytest.raises(Unreachable):
            client.wait("x", timeout_s=0.5)
    assert time.monotonic() - begun < 5
