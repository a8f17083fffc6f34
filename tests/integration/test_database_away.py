"""A database that goes away under somebody's decision: nobody is told that nothing was recorded where it was."""

import uuid
from contextlib import nullcontext

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from approvals.models import Action, Decision
from config.database.base import DatabaseWrapper
from tests import factories

pytestmark = pytest.mark.usefixtures("transactional_db")
NOTHING, PERHAPS = "nothing was recorded", "whether it is, shows when it is there again"


@pytest.fixture
def desk(cast):
    client = Client(
        raise_request_exception=False, HTTP_ACCEPT="application/json", HTTP_HX_REQUEST="true"
    )  # a receipt is drawn after the commit
    client.force_login(cast.second, backend="django.contrib.auth.backends.ModelBackend")
    return client


def pressed(desk: Client, action: Action) -> str:
    answer = desk.post(
        reverse("action-decide", args=[action.pk]),
        {"verdict": "approve", "seen_digest": action.digest, "key": uuid.uuid4().hex, "reason": "r"},
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    return answer.json()["detail"]


def lost(*_args: object) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def cuts(monkeypatch: pytest.MonkeyPatch, *, done: bool) -> None:
    """The connection ends at the commit of the decision: after it was made, or before."""
    commit = DatabaseWrapper._commit

    def cut(self: DatabaseWrapper) -> None:
        if not Decision.objects.exists():
            return commit(self)
        if done:
            commit(self)
        else:
            self._rollback()  # type: ignore[attr-defined]
            self.commits += 1
        return lost()

    monkeypatch.setattr(DatabaseWrapper, "_commit", cut)


@pytest.mark.parametrize("done", [True, False])
def test_an_answer_of_the_commit_that_is_lost_is_told_as_that(desk, monkeypatch, done):
    action = factories.action()
    with monkeypatch.context() as patch:
        cuts(patch, done=done)
        said = pressed(desk, action)
    assert PERHAPS in said and NOTHING not in said
    assert Decision.objects.filter(action=action).exists() is done


def test_what_is_lost_before_any_commit_is_told_as_nothing(desk):
    action = factories.action()

    def away(execute, sql, params, many, context):
        return lost() if 'INSERT INTO "approvals_decision"' in sql else execute(sql, params, many, context)

    with connection.execute_wrapper(away):
        said = pressed(desk, action)
    assert NOTHING in said and not Decision.objects.exists()


def test_what_is_lost_after_the_commit_is_told_as_perhaps_recorded(desk):
    action = factories.action()

    def away(execute, sql, params, many, context):
        committed = "approvals_decision" not in sql and not connection.in_atomic_block and Decision.objects.exists()
        return lost() if committed else execute(sql, params, many, context)

    with connection.execute_wrapper(away):
        said = pressed(desk, action)
    assert PERHAPS in said and Decision.objects.filter(action=action).count() == 1


def test_a_page_that_is_only_read_records_nothing(desk):
    with connection.execute_wrapper(lambda *_: lost()):
        answer = desk.get("/decided/")
    assert answer.status_code == 503 and NOTHING in answer.json()["detail"]


@pytest.mark.parametrize(("address", "code"), [("/decided/", "database_unavailable"), ("/actions/none/", "not_found")])
def test_a_page_that_is_open_is_told_in_a_sentence_that_it_can_show(desk, address, code):
    """It takes in no whole page: nothing was shown."""
    with connection.execute_wrapper(lambda *_: lost()) if code == "database_unavailable" else nullcontext():
        answer = desk.get(address, HTTP_ACCEPT="*/*")
    text = answer.content.decode()
    assert f'data-problem="{code}"' in text and "<meta" not in text and "<script" not in text
