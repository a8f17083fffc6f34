"""What agents ask in dialects of others, made into proposals: each call of a batch is one of its own.

Nobody declared these tools to us. What is known of them was found in the graph (`Loaded.found`), the rest is guessed towards people: a
call that its author wanted a person for is never taken for mere reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from agents import kept
from agents.dialects import calls, forms, hitl
from agents.dialects.asking import as_asked
from agents.dialects.record import APPROVE, EDIT, REJECT, RESPOND, Call, Record
from agents.graphs.driver import Question
from agents.graphs.found import Found
from agents.graphs.loader import Loaded
from agents.graphs.places import call_ids
from agents.models import Run
from agents.operations.versions import version_of
from agents.tools import taint
from agents.tools.guessing import asked_class, guessed_class, in_a_line
from agents.tools.registry import Tool
from approvals.operations import Proposal
from approvals.policy.risk import UNEXPLAINED
from audit import canonical, schemas
from audit.answerable import unanswerable

MOST_EVIDENCE, MOST_SHOWN = 5, 200 * 1024  # MOST_SHOWN: bytes of a question


@dataclass(frozen=True)
class Asked:
    """The proposals of one question, in the order of its calls, and what is kept with its pause."""

    proposals: Sequence[Proposal | None]
    record: dict[str, Any]
    place: Mapping[str, Any]


def prepare(run: Run, loaded: Loaded, question: Question, record: Record) -> Asked:
    """One proposal per call, or one for a plain question. A call that has no canonical form is asked of nobody."""
    question = replace(question, place={**question.place, **calls.place_of(question.value)})
    place = canonical.storable({key: value for key, value in question.place.items() if key not in {"read", "calls"}})
    place["call_ids"] = call_ids([(call.tool, call.args) for call in record.calls], question.place, question.value)
    exact = {"schema": canonical.usable(record.schema), "answer_schema": canonical.usable(record.answer_schema)}
    plain = canonical.storable(asdict(replace(record, calls=(), schema=None, answer_schema=None)))
    kept_record: dict[str, Any] = {**plain, **exact, "calls": [], "refusals": []}
    if not record.calls:
        return Asked([_plain(run, question, record)], kept_record, place)
    record = replace(record, calls=tuple(_typed(loaded, call) for call in record.calls))
    proposals: list[Proposal | None] = []
    looked = [_call(run, loaded, question, record, call) for call in record.calls]
    mute = _mute(record.calls, [refusal for _, refusal in looked])
    for call, (found, why) in zip(record.calls, looked, strict=True):
        proposal, refusal = (None, mute) if mute else (found, why)
        proposals.append(proposal)
        if _sent_as_shown(run, record, call):  # told as an edit: a bare yes would run what the agent has, which nobody saw
            call = replace(call, takes=tuple(kind for kind in call.takes if kind != APPROVE))
        about = asdict(call) if proposal and not _inexact(call.args) else canonical.storable(asdict(call))
        kept_record["calls"].append({**about, "schema": canonical.usable(call.schema)})
        kept_record["refusals"].append(refusal)
    return Asked(proposals, kept_record, place)


def _mute(asked: Sequence[Call], refusals: Sequence[str]) -> str:
    """Why nothing can be said of one of these calls, "" when something can be of each: then of none, for they are answered together.

    That nobody was asked is told in words. Where only a yes or a no is taken, it would be a no that nobody said.
    """
    if bare := next((call for call in asked if not call.takes), None):
        return kept.TAKES_NOTHING(tool=bare.tool)
    untold = next(((call, why) for call, why in zip(asked, refusals, strict=True) if why and RESPOND not in call.takes), None)
    return f"{untold[0].tool}: {untold[1]}" if untold else ""


def ask(run: Run, question: Question, args: dict[str, Any], summary: str, digest: str, **more: Any) -> Proposal:
    """A question, which runs nothing."""
    return Proposal(
        agent=run.agent_id,
        run=str(run.pk),
        thread=run.thread,
        interrupt_id=question.interrupt_id,
        by=run.agent.user.actor,
        kind="question",
        tool="ask_human",
        args=args,
        summary=summary,
        proposal_digest=digest,
        environment=run.agent.environment,
        agent_version=version_of(run),
        requested_by=run.started_by,
        owner=run.agent.owner,
        **more,
    )


def shown(raw: Any) -> Any:
    """A raw value as people see it; too large or too deep to freeze: its beginning, and that it was cut."""
    value = canonical.storable(raw, limit=canonical.MAX_BYTES)
    try:
        if len(canonical.dumps({"asked": value})) <= MOST_SHOWN:  # what is frozen with it needs room as well
            return value
        why: str = kept.TOO_LONG_TO_SHOW(n=MOST_SHOWN)
    except canonical.NotCanonical as error:
        why = str(error)
    return {"cut": f"{str(value)[: MOST_SHOWN // 4]}…", "because": why}


def _plain(run: Run, question: Question, record: Record) -> Proposal:
    words = f"Question: {record.question}" if record.question else f"{run.agent.title} asks at {question.node}"
    words = str(canonical.storable(words))
    schema = canonical.usable(record.schema)
    # What people write would be refused once it is written: they are told so before.
    unusable = unanswerable(schema) if schema is not None else ""
    far = run.agent.server_id is not None and record.schema is None
    form = record.dialect == forms.MCP_FORM
    told = forms.refusal(schema, forms.REFUSED)
    told_no = form or told is not None  # else its run ends there, which is said beforehand
    deaf = far or form or told is None or "reason" not in told
    said = (*((REJECT,) if told_no else ()), *(() if unusable else (RESPOND,)), *((UNEXPLAINED,) if deaf else ()))
    takes = () if said == (REJECT, RESPOND) else said
    no_answer = str(kept.FITS_NOTHING(why=unusable)) if unusable else ""
    more = {
        "agent_takes": takes,
        "answer_schema": schema,
        "deadline_s": _deadline(record),
        "rationale": "\n\n".join(filter(None, (no_answer, _no_time(record)))),
    }
    asks = question.value if unusable else as_asked(question.value, record)
    return ask(run, question, {"asked": shown(asks)}, words, question.digest, **more)


def _inexact(args: Any) -> str:
    """Why these arguments cannot be put before people exactly, "" when they can."""
    try:
        canonical.dumps({"args": args})
    except canonical.NotCanonical as error:
        return str(error)
    return ""


def _sent_as_shown(run: Run, record: Record, call: Call) -> bool:
    """Whether an approval of this call is told as an edit to exactly what people were shown.

    What an Agent Server tells has no NUL (it says U+FFFD), no NaN and no infinity (null), and a bare yes carries no arguments. To LangChain's
    middleware an edit to the same is no other thing than a yes; of others, only what is certainly odd is told so.
    """
    if run.agent.server_id is None or EDIT not in call.takes or not isinstance(call.args, dict):
        return False
    return _holds(call.args, nulls=record.dialect in {hitl.BATCHED, hitl.PER_CALL})


def _rewritten(run: Run, shape: Mapping[str, Any] | None, call: Call) -> str:
    """Why what an Agent Server tells of this call may not be what would run, "" when it is, or nothing says that it is not."""
    if run.agent.server_id is None or not (_holds(call.args, nulls=False) or _unfit_nulls(shape, call.args)):
        return ""
    return str(kept.REWRITTEN_THERE())


def _holds(value: Any, *, nulls: bool) -> bool:
    """Whether there is a U+FFFD anywhere in it, or a null."""
    if isinstance(value, Mapping):
        return any(_holds(one, nulls=nulls) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return any(_holds(one, nulls=nulls) for one in value)
    return "\ufffd" in value if isinstance(value, str) else nulls and value is None


def _unfit_nulls(shape: Mapping[str, Any] | None, args: Any) -> bool:
    """Whether there is a null where the tool takes none."""
    return bool(shape) and any(error.instance is None for error in schemas.errors(shape or {}, args))


def _typed(loaded: Loaded, call: Call) -> Call:
    """The call; where it is shown written out and nothing says which arguments it takes, with the kinds of those it has."""
    if call.schema or call.tool in loaded.found or not _inexact(call.args):
        return call
    return replace(call, schema=canonical.usable(schemas.like(call.args)))


def _call(run: Run, loaded: Loaded, question: Question, record: Record, call: Call) -> tuple[Proposal | None, str]:
    found, declared = loaded.found.get(call.tool), loaded.tools.get(call.tool)
    shape = call.schema or (found.schema if found else None)
    exactly = _sent_as_shown(run, record, call)
    inexact = _inexact(call.args) or ("" if exactly else _rewritten(run, shape, call))
    if inexact and (RESPOND in call.takes or REJECT not in call.takes):
        return None, inexact
    if inexact:  # its agent hears a yes or a no and no words: people see it written out, and say the no
        call = replace(call, args=shown(call.args))
    takes, notes, refusal = _terms(shape, call, exactly=exactly, inexact=inexact)
    if refusal:
        return None, refusal
    read = question.place.get("read", [])
    rationale, evidence = _words(question, record, call), [*notes, *read[-MOST_EVIDENCE:]]
    if not {APPROVE, EDIT}.intersection(takes):  # a tool whose only result is what a person says: nothing runs
        args, more = {"tool": call.tool, "args": call.args}, {"rationale": rationale, "evidence": evidence, "agent_takes": takes}
        return ask(run, question, args, in_a_line(call.tool, call.args), question.digest, **more), ""
    known = declared or found
    if ignored := schemas.unknown_names(shape, call.args):
        note = {"title": str(kept.NOT_AMONG_ITS_ARGUMENTS(tool=call.tool)), "text": ", ".join(ignored)}
        evidence = [canonical.storable(note), *evidence]
    proposal = Proposal(
        agent=run.agent_id,
        run=str(run.pk),
        thread=run.thread,
        interrupt_id=question.interrupt_id,
        by=run.agent.user.actor,
        tool=call.tool,
        tool_schema_sha256=found.schema_sha256 if found else "",
        declared_sha256=known.declared_sha256 if known else "",
        tool_class=_class(record, call, declared, found),
        reversible=declared.reversible if declared else bool(found and found.declared.get("reversible")),
        args=call.args,
        summary=in_a_line(call.tool, call.args),
        proposal_digest=question.digest,
        environment=run.agent.environment,
        agent_version=version_of(run),
        rationale=rationale,
        evidence=evidence,
        untrusted_text=taint.untrusted_paths(call.args, [str(e.get("text", "")) for e in read]),
        requested_by=run.started_by,
        owner=run.agent.owner,
        asked_for=run.input if isinstance(run.input, dict) else {},
        deadline_s=_deadline(record),
        agent_takes=takes,
        at_least="" if APPROVE in takes else "medium",  # a person writes its arguments: no policy passes it
    )
    return proposal, ""


def _terms(
    shape: Mapping[str, Any] | None, call: Call, *, exactly: bool, inexact: str
) -> tuple[tuple[str, ...], list[dict[str, str]], str]:
    """The verdicts people may give on a call, what they are told of it before, and why nobody is asked ("" when somebody is)."""
    takes, notes = _takes(call), []
    unfit = exactly and bool(_unfit_nulls(shape, call.args))
    if inexact:
        notes.append(str(kept.NOT_AS_IT_IS(why=inexact)))
    if unfit or (exactly and _holds(call.args, nulls=False)):
        notes.append(str(kept.SENT_AS_SHOWN()))
    lacks = ""
    if missing := _missing(shape, call.args):
        lacks = kept.NO_FIT(tool=call.tool, why=kept.WITHOUT(names=", ".join(missing)))
        if RESPOND in takes:  # told so at once; where no words are taken, people have the only word
            return takes, [], lacks
        lacks = lacks if REJECT in takes else ""
        notes += filter(None, [lacks])
    if inexact or unfit or lacks:  # they write what is missing, or say no: as it is, it does not run
        takes = tuple(kind for kind in takes if kind != APPROVE)
    return takes, [{"title": note, "text": ""} for note in notes], ""


def _missing(schema: Mapping[str, Any] | None, args: Any) -> list[str]:
    """Arguments without which the tool does not run. Of other misfits only the tool itself knows: it may read "1" as a number."""
    needed = (schema or {}).get("required")
    if not isinstance(needed, list) or not isinstance(args, dict):
        return []
    return [str(name) for name in needed if name not in args]


def _class(record: Record, call: Call, declared: Tool | None, found: Found | None) -> str:
    """What kind of thing it does. Of our own dialect every call is asked about, reading too; in others, what its author wanted a person for."""
    if declared:
        return str(declared.risk)
    if found and "risk" in found.declared:
        return str(found.declared["risk"])
    return str(guessed_class(call.tool)) if record.dialect == calls.NAME else asked_class(call.tool)


def _takes(call: Call) -> tuple[str, ...]:
    """What can be told; other arguments only where there are named ones to change."""
    kinds = tuple(kind for kind in call.takes if kind != EDIT or isinstance(call.args, dict))
    return (*kinds, UNEXPLAINED) if call.deaf or REJECT not in kinds else kinds


def _words(question: Question, record: Record, call: Call) -> str:
    """The agent's own words: what it said beside the call, what its author wrote, and which helper asks for whom."""
    by = question.place.get("for")
    helper = kept.ASKED_BY_HELPER(tool=by["tool"], args=in_a_line("", by["args"])) if by else ""
    said = (helper, question.place.get("said", ""), call.description, _no_time(record))
    return str(canonical.storable("\n\n".join(text for text in said if text)))


def _until(record: Record) -> datetime | None:
    """When the asker stops waiting; None when it does not say so, or says it so that nobody can read it."""
    try:
        until = datetime.fromisoformat(record.expires_at)
    except ValueError:
        return None
    return until.replace(tzinfo=until.tzinfo or UTC)


def _deadline(record: Record) -> int | None:
    until = _until(record)
    return None if until is None else max(5, int((until - datetime.now(UTC)).total_seconds()))


def _no_time(record: Record) -> str:
    """It wanted to be answered by a time that nobody can read: whoever decides is told, for the policy's deadline counts then."""
    return str(kept.NO_TIME(said=record.expires_at[:60])) if record.expires_at and _until(record) is None else ""
