"""What a verdict says, whether it may be given, and what the agent is told of it. Called by deciding and resolving; writes nothing.

A rejection may say "do not retry" (the tool is not asked for again in this run) and "stop the run"; a take-over says what a person
did outside, which the graph gets as the tool's own result. All of it is kept in `Decision.details`, beside reason and response.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from approvals.envelopes import Envelope
from approvals.errors import BadRequest
from approvals.models import Action
from approvals.operations import kept
from approvals.states import ActionState, Verdict, word
from audit import canonical, formats, schemas
from audit.sentences import cause, chain, say

WORDS_GO_IN_THE_RESPONSE = frozenset({Verdict.RESPOND, Verdict.TAKE_OVER})
ALLOWED = "approve, reject, respond or take_over"
MAX_REASON = 2_000
MAX_RESPONSE = 20_000
MAX_KEY = 200


@dataclass(frozen=True)
class Also:
    """The parts of a verdict that are not words.

    Attributes:
        do_not_retry, stop_run: of a rejection.
        as_json: the answer to a question is JSON and means its value, not the text.
        done: of a take-over: whether the person could do it. result: the tool's result as the person entered it, if they did.
    """

    do_not_retry: bool = False
    stop_run: bool = False
    as_json: bool = False
    done: bool | None = None
    result: Mapping[str, Any] | None = None


NOTHING = Also()


def check_words(verdict: str, reason: str, response: str, key: str = "") -> Verdict:
    """The verdict asked for. Raises BadRequest for an unknown one, or words the log could not hold."""
    try:
        chosen = Verdict(verdict)
    except ValueError:
        raise BadRequest(say("%(verdict)s is not a verdict; send %(allowed)s", verdict=repr(verdict[:40]), allowed=ALLOWED)) from None
    for name, text, limit in ((say("reason"), reason, MAX_REASON), (say("answer"), response, MAX_RESPONSE), (say("key"), key, MAX_KEY)):
        if len(text) > limit:
            raise BadRequest(say("The %(name)s has %(n)d characters; at most %(limit)d are kept", name=name, n=len(text), limit=limit))
        try:
            canonical.dumps(text)
        except canonical.NotCanonical as error:
            raise BadRequest(say("The %(name)s cannot be kept: %(why)s", name=name, why=cause(error))) from error
    return chosen


def check_verdict(action: Action, envelope: Envelope, verdict: Verdict, reason: str, *, why: str) -> None:
    """Whether this verdict can be given here at all, and says enough. `why` is why this version was written. Raises BadRequest."""
    if action.kind == Action.Kind.QUESTION and verdict in {Verdict.APPROVE, Verdict.TAKE_OVER}:
        raise BadRequest(say("This is a question: answer it, or reject it"))
    if verdict is Verdict.APPROVE and envelope.only_edited and why != "edited":
        raise BadRequest(say("This agent takes no plain yes to it: change a value and approve that, or reject it"))
    if str(verdict) not in envelope.verdicts:
        raise BadRequest(
            say(
                "The policy does not allow %(verdict)s here; allowed: %(names)s",
                verdict=word(verdict),
                names=chain("%(a)s, %(b)s", map(word, envelope.verdicts)),
            )
        )
    if str(verdict) in envelope.reason_for and verdict not in WORDS_GO_IN_THE_RESPONSE and not reason.strip():
        raise BadRequest(say("Say why: at this level the policy asks for a reason to %(verdict)s", verdict=word(verdict)))


def details_of(action: Action, verdict: Verdict, also: Also, response: str) -> dict[str, Any]:
    """What is kept of it. Raises BadRequest when these parts do not go with this verdict, or something is missing."""
    if verdict is not Verdict.REJECT and (also.do_not_retry or also.stop_run):
        raise BadRequest(say('"Do not retry" and "stop the run" go with a rejection, not with %(verdict)s', verdict=word(verdict)))
    if verdict is not Verdict.TAKE_OVER and (also.done is not None or also.result is not None):
        raise BadRequest(say("An outcome goes with take_over, not with %(verdict)s", verdict=word(verdict)))
    if (also.do_not_retry or also.stop_run) and not action.run:
        raise BadRequest(say("There is no run to stop or to remember this: the agent asked from outside"))
    if also.as_json and (verdict is not Verdict.RESPOND or action.kind != Action.Kind.QUESTION):
        raise BadRequest(say("Only the answer to a question can be JSON"))
    if verdict in WORDS_GO_IN_THE_RESPONSE and not response.strip():
        raise BadRequest(
            say("An answer needs words") if verdict is Verdict.RESPOND else say("Say what you did, or why it could not be done")
        )
    if verdict is Verdict.TAKE_OVER:
        return _taken_over(action, also)
    kept_as = {"do_not_retry": also.do_not_retry, "stop_run": also.stop_run, "json": also.as_json}
    return {name: True for name, said in kept_as.items() if said}


def meant(response: str, schema: Mapping[str, Any] | None, also: Also) -> Any:
    """The value of an answer. Raises BadRequest when it does not fit what the agent asks for, or is called JSON and is none."""
    try:
        value = canonical.parse(response, greatest=canonical.ANSWERED_INT) if also.as_json else schemas.meant(response, schema)
    except canonical.NotCanonical as error:
        raise BadRequest(say("The answer is no JSON: %(why)s", why=cause(error))) from error
    if schema is not None and (why := schemas.why_not(schema, value)):
        raise BadRequest(say("The answer does not fit what the agent asks for: %(why)s", why=why))
    if schema is not None and (wrong := formats.wrong(schema, value)):
        why = chain("%(a)s; %(b)s", [say("%(path)s: %(why)s", path=path, why=why) if path else why for path, why in wrong.items()])
        raise BadRequest(say("The answer does not fit what the agent asks for: %(why)s", why=why))
    return value


def _taken_over(action: Action, also: Also) -> dict[str, Any]:
    if action.kind == Action.Kind.QUESTION:
        raise BadRequest(say("This is a question, which runs nothing: answer it, or reject it"))
    if also.done is None:
        raise BadRequest(say("Say whether you could do it"))
    if also.result is None:
        return {"done": also.done}
    if not also.done:
        raise BadRequest(say("Only what was done has a result; say why it could not be done in words"))
    if not isinstance(also.result, Mapping):
        raise BadRequest(say("The result has to be a JSON object, as a tool gives it back"))
    try:
        canonical.dumps(dict(also.result))
    except canonical.NotCanonical as error:
        raise BadRequest(say("The result cannot be kept: %(why)s", why=cause(error))) from error
    return {"done": also.done, "result": dict(also.result)}


# What the asker is told for each way an action can end without being executed.
STATUS_OF_STATE: dict[ActionState, str] = {
    ActionState.APPROVED: "approved",
    ActionState.REJECTED: "rejected",
    ActionState.ANSWERED: "answered",
    ActionState.EXPIRED: "expired",
    ActionState.SUPERSEDED: "superseded",
    ActionState.CANCELLED: "cancelled",
}


def told(action: Action, args: Any = None) -> dict[str, Any]:
    """The settled fact for an action that executes nothing; `args` are those of the version decided on, if it was decided."""
    resolution = action.resolution or {}
    details = resolution.get("details") or {}
    by, words = resolution.get("by", ""), resolution.get("response", "")
    if resolution.get("verdict") == Verdict.TAKE_OVER:
        # The graph gets a result, as from the tool; that a person did it, and which arguments they saw, stands beside it.
        done = bool(details.get("done"))
        result = details.get("result") or {"taken_over_by": by, "outcome": words}
        return {
            "status": "done" if done else "failed",
            "result": result if done else None,
            "reason": "" if done else kept.COULD_NOT(who=by, words=words),
            "response": words,
            "by": by,
            "taken_over": True,
            "args": args,
        }
    if details.get("answered_for"):  # an operator gave the tool's result (`settling.answer_for`): it was never called
        return {
            "status": "done",
            "result": details.get("result"),
            "reason": "",
            "response": "",
            "by": by,
            "answered_for": True,
            "args": args,
        }
    fact = {
        "status": STATUS_OF_STATE[ActionState(action.state)],
        "reason": resolution.get("reason", ""),
        "response": words,
        "by": by,
    }
    return fact | {name: True for name in ("do_not_retry", "json") if details.get(name)}
