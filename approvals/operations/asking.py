"""A question to the agent about an action that waits. It decides nothing: the action stays as it is, and its deadline goes on.

`ask` writes the question, a worker takes it (`take_ask`) and the agent's words come back (`answer_ask`, `fail_ask`). The graph is not
moved by it (docs/adr/0016): what LangGraph resumes with is an answer, and a question is none.
"""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from approvals import entitling, envelopes, permissions
from approvals.errors import AlreadyDecided, BadRequest, Checking, NotFound
from approvals.models import Action, Ask, Requirement, User
from approvals.operations import events, kept, staging
from approvals.operations.notices import tell_action
from approvals.operations.pending import locked
from approvals.states import ActionState, AskState, word
from audit import canonical, log
from audit.actors import Actor
from audit.sentences import cause, say

MAX_QUESTION, MAX_ANSWER, MOST = 2_000, 20_000, 20
MAX_ATTEMPTS = 3
TAKE_S = 120  # longer than a model may take to answer

_TAKE = f"""
UPDATE approvals_ask SET attempts = attempts + 1, taken_until = statement_timestamp() + interval '{TAKE_S} s'
WHERE id = %s AND state = 'WANTED' AND (taken_until IS NULL OR taken_until <= statement_timestamp())
RETURNING action_id::text, question, attempts
"""  # noqa: S608  a number of ours


@dataclass(frozen=True)
class TakenAsk:
    """A question in a worker's hand."""

    id: int
    action_id: str
    run: str
    question: str


@transaction.atomic
def ask(action_id: Any, *, by: User, question: str, door: str) -> Ask:
    """Put a question to the agent. Whoever may decide the action may ask.

    Raises:
        NotFound, NotAllowed: no such action, the wrong person. BadRequest: no words, too many, or nobody to ask.
        AlreadyDecided: it waits for nobody any more. Checking: another question is being answered.
    """
    question = question.strip()
    if not question or len(question) > MAX_QUESTION:
        raise BadRequest(
            say("Say what you want to know")
            if not question
            else say("A question has at most %(max_question)d characters", max_question=MAX_QUESTION)
        )
    try:
        canonical.dumps(question)
    except canonical.NotCanonical as error:
        raise BadRequest(say("The question cannot be kept: %(why)s", why=cause(error))) from error
    action, requirement = locked(action_id)
    who = permissions.standing(by)
    envelope = envelopes.parse(requirement)
    entitling.check_concerned(who, action, envelope, stage=staging.stage_of(action, envelope))
    if action.state != ActionState.PENDING:
        raise AlreadyDecided(say("It is %(state)s: there is nothing left to ask about", state=word(action.state)), state=str(action.state))
    if not action.run:
        raise BadRequest(say("This agent runs outside of Countersign and cannot be asked from here"))
    if Ask.objects.filter(action=action).count() >= MOST:
        raise BadRequest(say("The agent has been asked %(most)d times about this: decide, or take over", most=MOST))
    try:
        with transaction.atomic():
            asked = Ask.objects.create(action=action, version=action.version, question=question, by=who.user, door=door)
    except IntegrityError as error:
        raise Checking(say("The agent is still answering another question about this; wait a moment")) from error
    log.append(events.entry(action, "ask.wanted", by=who.user.actor, door=door, requirement=requirement, ask=asked.pk, question=question))
    tell_action(action, "action.asked")
    return asked


@transaction.atomic
def take_ask(ask_id: int) -> TakenAsk | None:
    """The question, for one worker at a time; None when it is answered, or another worker is at it. Ends what was tried too often."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [ask_id])
        row = cursor.fetchone()
    if row is None:
        return None
    action_id, question, attempts = row
    if attempts > MAX_ATTEMPTS:
        fail_ask(ask_id, error=kept.WORKER_DIED())
        return None
    # A test action is explained like any other: its agent answers from where its graph stands.
    run = Action.objects.values_list("run", flat=True).get(pk=action_id)
    return TakenAsk(ask_id, action_id, run, question)


@transaction.atomic
def answer_ask(ask_id: int, *, answer: str) -> None:
    """Keep the agent's words. They are shown fenced, never as fact."""
    words = canonical.storable(answer.strip())[:MAX_ANSWER]
    if not words:
        fail_ask(ask_id, error=kept.SAID_NOTHING())
        return
    _finish(ask_id, AskState.ANSWERED, words, "answer")


@transaction.atomic
def fail_ask(ask_id: int, *, error: str) -> None:
    """Nobody answered; `error` says why, in a sentence."""
    _finish(ask_id, AskState.FAILED, canonical.storable(error)[:MAX_QUESTION], "error")


def _finish(ask_id: int, state: AskState, words: str, name: str) -> None:
    asked = Ask.objects.filter(pk=ask_id).first()
    if asked is None:
        raise NotFound(say("There is no such question"))
    action, _ = locked(asked.action_id)  # its events are written by one at a time
    if not Ask.objects.filter(pk=ask_id, state=AskState.WANTED).update(state=state, answer=words, done_at=Now()):
        return  # a worker that was thought dead was faster
    agent = Actor("agent", action.agent, action.agent)
    requirement = Requirement.objects.filter(action=action, version=asked.version).first()
    entry = events.entry(
        action,
        f"ask.{state.lower()}",
        by=agent,
        door="worker",
        requirement=requirement,
        ask=ask_id,
        question=asked.question,
        **{name: words},
    )
    log.append(entry)
    tell_action(action, f"action.ask_{state.lower()}")
