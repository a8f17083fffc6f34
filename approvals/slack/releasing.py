"""`/halt release`, and the button beside each order in force: what goes on (a run, an agent, all of it), and why it is safe. The page's operation.

The page asks no fresh proof for a release, nor does this. Where it takes two people the second reads who asked, and why, and confirms just that:
what somebody has asked since is shown first.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.errors import ApprovalError, BadRequest, NotFound, Stale
from approvals.models.people import User
from approvals.notify.alerts import RELEASE as PRESS
from approvals.operations import slack_clicks
from approvals.operations.halts import MAX_REASON, check_reason
from approvals.operations.slack_heard import ABOUT_NONE
from approvals.queries import Stop, Wanted, active_halts
from approvals.slack import blocks as b
from approvals.slack import modals, quick, replies
from approvals.slack.people import Hand, hand, part, said_of
from approvals.slack.quick import BUSY_MS, LEAST_MS, WHOLE_MS
from approvals.slack.replies import Place
from approvals.slack.rooms import ReleaseStep, agents
from approvals.slack.text import cut, cut_inside, date, link, safe, spelled
from approvals.slack.threads import spelled_lines
from approvals.slack.verifying import Click
from approvals.slack.views import beside, shows, values_of
from approvals.web.shell import asks, came_of, given_by, goes_on, scope_words
from audit.languages import told
from audit.sentences import say

Json = Mapping[str, Any]
RELEASE = "release"  # the view
STEP = "release_step"
MOST, MOST_ASKED, MOST_LISTED = 40, 10, 20


class _Chosen(NamedTuple):
    """An option's value: which asking by somebody else was read (0: none), and the step."""

    seen: int
    step: str

    def __str__(self) -> str:
        return f"{self.seen}:{self.step}"


def command(user: User, place: Place, words: Sequence[str]) -> None:
    """`/halt release`: the only order in force, or all of them to choose from; `/halt release 12`: that one. Raises NotAllowed, NotFound."""
    view = _view(user, words[0]) if words else _one_or_all(user)
    replies.show(place, view=view, url=page(words[0]) if words else page())


def _pressed(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    """The button beside an order, or that of an alert, which names none."""
    user, number = hand(payload).user, str(pressed.get("value") or "")
    view = part(payload, "view")
    home = view.get("type") == "home" or bool(modals.metadata(view).get("home"))
    replies.show_at(place, lambda: _view(user, number, home=home) if number else _one_or_all(user), url=page(number))


def _choose(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    """In the open view something else was chosen: its button says what it would do."""
    user, view = hand(payload).user, part(payload, "view")
    meta, step = modals.metadata(view), _chosen(str(part(pressed, "selected_option").get("value", ""))).step
    drawn = _view(user, str(meta.get("halt", "")), step=step, home=bool(meta.get("home")))
    replies.redraw_seen(place, view_id=str(view.get("id", "")), view=drawn, seen=str(view.get("hash", "")))


PRESSES: dict[str, Callable[[Json, Json, Place, Click], None]] = {PRESS: _pressed, STEP: _choose}


def in_force(user: User, *, most: int) -> list[b.Block]:
    """What is halted, each with the button that lifts it; for somebody who may."""
    found = active_halts()
    more = [b.context(b.mrkdwn(link(f"{_site()}/halts/", _("All that is halted, on the page"))))] if len(found) > most else []
    return [*(_row(stop, user) for stop in found[:most]), *more]


def _row(stop: Stop, user: User) -> b.Block:
    line = (
        f"{_what(stop)}: {safe(cut(spelled(told(stop.reason)), 200))} ({_by(stop)}, {date(stop.at)}, {_('order %(n)s') % {'n': stop.id}})"
    )
    asking = [f"{safe(cut(spelled(asks(wanted)), 200))} {date(wanted.at)}" for wanted in stop.waits[-1:]]
    label = _("Confirm ...") if any(_by_another(wanted, user) for wanted in stop.waits) else _("Release ...")
    button = b.button(label, PRESS, value=str(stop.id))
    return b.section(b.mrkdwn("\n".join([line, *asking])), block_id=f"halted:{stop.id}", accessory=button)


def _what(stop: Stop) -> str:
    return safe(cut_inside(spelled(scope_words(stop)), 200))


def _by(stop: Stop) -> str:
    return safe(cut(spelled(given_by(stop)), 80))


def _by_another(wanted: Wanted, user: User) -> bool:
    """Whether this person may confirm it; another account of whoever asked is the same person."""
    return wanted.person != user.person


def _one_or_all(user: User) -> b.Block:
    permissions.check_halt(permissions.standing(user))
    found = active_halts()
    if not found:
        raise NotFound(say("Nothing is halted"))
    if len(found) == 1:
        return _view(user, str(found[0].id))
    return b.modal(_("Release"), in_force(user, most=MOST), callback_id=modals.SAID)


def _view(user: User, number: str, *, step: str = "", home: bool = False, said: str = "") -> b.Block:
    """One order as it is now, and what of it may go on. `home`: opened from their Home tab, which then follows. Raises NotAllowed, NotFound."""
    permissions.check_halt(permissions.standing(user))
    stop = next((s for s in active_halts() if str(s.id) == number), None)
    if stop is None:
        raise NotFound(say("This halt is released already"))
    asked = {f"{w.scope}:{w.target}" if w.target else w.scope: w for w in stop.waits}
    steps = sorted(agents.release_steps(stop), key=lambda s: (s.value == "all", s.value not in asked))  # in this order; as listed within it
    steps = [*steps[: b.OPTIONS - 1], *steps[b.OPTIONS - 1 :][-1:]]
    chosen = next((s for s in steps if s.value == step), None) or _first(steps, asked, user)
    options = [b.option(cut_inside(_label(s, asked, user), b.OPTION), str(_Chosen(_seen(s, asked), s.value))) for s in steps]
    select = b.choice(STEP, options, chosen=str(_Chosen(_seen(chosen, asked), chosen.value)), placeholder=_("Choose"))
    parts = [
        *([b.alert(said, "warning")] if said else []),
        *_about(stop),
        *_listed(steps[:MOST_LISTED]),
        b.entry(_("What goes on"), select, block_id="step", acts=True),
        b.entry(_("Why it is safe to go on"), b.text_input("reason", multiline=True, most=MAX_REASON), block_id="reason"),
    ]
    meta = {"halt": number, **({"home": "1"} if home else {})}
    submit = _("Confirm") if _confirms(chosen, asked, user) else _("Release")
    return b.modal(_("Release"), parts, callback_id=RELEASE, metadata=json.dumps(meta), submit=submit)


def _chosen(value: str) -> _Chosen:
    """What an option meant; no step for what is none of ours."""
    seen, _colon, step = value.partition(":")
    known = seen.isascii() and seen.isdecimal() and len(seen) < 19
    return _Chosen(int(seen), step) if known else _Chosen(0, "")


def _seen(step: ReleaseStep, asked: Mapping[str, Wanted]) -> int:
    return asked[step.value].id if step.value in asked else 0


def _confirms(step: ReleaseStep, asked: Mapping[str, Wanted], user: User) -> bool:
    return step.value in asked and _by_another(asked[step.value], user)


def _first(steps: Sequence[ReleaseStep], asked: Mapping[str, Wanted], user: User) -> ReleaseStep:
    """What is chosen to begin with: what somebody else has asked for, else all of it."""
    return next((s for s in steps if _confirms(s, asked, user)), steps[-1])


def _label(step: ReleaseStep, asked: Mapping[str, Wanted], user: User) -> str:
    return _("Confirm: %(what)s") % {"what": step.label} if _confirms(step, asked, user) else step.label


def _listed(steps: Sequence[ReleaseStep]) -> list[b.Block]:
    """What is known of each, in as few blocks as hold it."""
    texts: list[str] = []
    for step in steps:
        label = link(f"{_site()}{step.url}", step.label) if step.url else safe(step.label)
        line = f"{label}: {safe(cut(spelled(step.note), 150))}" if step.note else label
        if texts and len(texts[-1]) + len(line) < b.TEXT:
            texts[-1] = f"{texts[-1]}\n{line}"
        else:
            texts.append(line)
    return [b.section(b.mrkdwn(text)) for text in texts]


def _about(stop: Stop) -> list[b.Block]:
    """Who halted it and why, what goes on already, who asks for what, and what a release would mean."""
    parts = [
        b.section(b.mrkdwn(f"*{_what(stop)}* ({_by(stop)}, {date(stop.at)})")),
        b.section(b.plain(cut(spelled_lines(told(stop.reason)), 2_000))),
    ]
    parts += [b.context(b.plain(cut(spelled(goes), 500))) for goes in [goes_on(stop)] if goes]
    parts += [b.section(b.mrkdwn(f"{safe(cut(spelled(asks(w)), 500))} {date(w.at)}")) for w in stop.waits[-MOST_ASKED:]]
    two = _("An agent, or all of it, takes two people: you ask, and another operator or administrator confirms.")
    means = " ".join(filter(None, [agents.release_means(stop), two if stop.scope == "everything" else ""]))
    parts += [b.section(b.plain(means))] if means else []
    return [*parts, b.context(b.mrkdwn(link(page(str(stop.id)), _("The same on the page"))))]


def submitted(view: Json, who: Hand, click: Click) -> Json:
    """Let it go on, or ask for it. Errors stand beside their fields. Raises ToKeep for what cannot be done in Slack's time: it is done right after."""
    meta, values = modals.metadata(view), values_of(view)
    seen, step = _chosen(values.get("step", ""))
    if not step:
        return beside("step", _("Choose what goes on"))
    scope, _colon, target = step.partition(":")
    order = {"halt": str(meta.get("halt", "")), "scope": scope, "target": target, "seen": str(seen), "reason": values.get("reason", "")}
    said: list[str] = []
    try:
        check_reason(order["reason"])
    except BadRequest as error:
        return beside("reason", told(error.message))
    try:
        if not quick.within(BUSY_MS, lambda: said.append(give(order, who, click)), whole_ms=WHOLE_MS, least_ms=LEAST_MS):
            kept = _("Kept. Nothing goes on yet: it is done within seconds, and this view says what became of it")
            raise quick.ToKeep({"action": ABOUT_NONE, "prefix": "", "order": order}, kept)
    except Stale as error:  # as it is now, with what was typed still in its field
        return shows(_view(who.user, order["halt"], step=step, home=bool(meta.get("home")), said=told(error.message)))
    except (BadRequest, NotFound) as error:
        return beside("step", told(error.message))
    except ApprovalError as error:
        return shows(modals.sentence(told(error.message), bad=True, url=page(order["halt"])))
    return shows(modals.sentence(said[0]))


def give(order: Mapping[str, str], who: Hand, click: Click) -> str:
    """Do the step that the order names; the sentence that says what came of it. Raises what `operations.releasing.release` does."""
    scope, target, reason = order["scope"], order["target"], order["reason"]
    done = slack_clicks.beside(
        lambda made: "halt",
        lambda: agents.order_release(
            order["halt"], scope=scope, target=target, reason=reason, seen=int(order["seen"]), by=who.user, door="slack"
        ),
        what=RELEASE, by=who.user, click=said_of(who, click),
    )  # fmt: skip
    return came_of(scope, waits=done.waits)


def page(number: str = "") -> str:
    """Where it is done without Slack."""
    return f"{_site()}/halt/{number}/release" if number.isascii() and number.isdecimal() else f"{_site()}/halts/"


def _site() -> str:
    return str(settings.PUBLIC_URL).rstrip("/")
