"""The console's health strip: each light in words, with what to do where something is not well. The same facts `manage.py doctor` reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agents import overview
from agents.operations import pulse
from approvals.live import listener
from approvals.queries import slack, webhooks
from audit.languages import number

LATE = timedelta(seconds=30)
WELL, ILL, NONE = ("done", "circle-check"), ("failed", "circle-x"), ("quiet", "circle-minus")


@dataclass(frozen=True)
class Light:
    """One thing looked at. `todo` says what to do when it is not well; `look` is tone and glyph."""

    name: str
    words: str
    look: tuple[str, str]
    todo: str = ""
    url: str = ""


def lights() -> list[Light]:
    answers = pulse.answers()
    return [*_processes(answers), _live(), _slack(), _webhooks(), *_unpicked()]


def _processes(answers: pulse.Answers) -> Iterator[Light]:
    start = _("Start one: celery -A config worker -Q runs,effects,notify")
    if not answers.broker:
        yield Light(
            _("Workers"), _("not known: the broker does not answer"), NONE, _("Workers find their work in the database all the same.")
        )
    else:
        words = ngettext("%(n)s answers", "%(n)s answer", answers.workers) % {"n": number(answers.workers)}
        yield Light(_("Workers"), words, WELL if answers.workers else ILL, "" if answers.workers else start)
    ticked = pulse.since_tick()
    well = ticked is not None and ticked <= LATE
    words = _("no tick in a day") if ticked is None else _("last tick %(age)s ago") % {"age": age(ticked)}
    todo = _("Start the clock: celery -A config beat. Until then nothing expires, reminds or is taken over.")
    yield Light(_("Clock"), words, WELL if well else ILL, "" if well else todo)
    todo = _("Start the product with make run, or set REDIS_URL. Until then things go on, more slowly.")
    said = _("answers") if answers.broker else _("no answer")
    yield Light(_("Broker"), said, WELL if answers.broker else ILL, "" if answers.broker else todo)


def _live() -> Light:
    hears = listener.standing()
    if hears is None:
        return Light(_("Live pages"), _("nobody listens on this web process yet"), NONE)
    todo = _("Set DATABASE_DIRECT_URL to the server itself, not to a pooler. Until then pages look again every 15 seconds.")
    return Light(
        _("Live pages"),
        _("hears the database") if hears else _("does not hear the database"),
        WELL if hears else ILL,
        "" if hears else todo,
    )


def _slack() -> Light:
    if not slack.teams():
        return Light("Slack", _("not installed"), NONE)
    found = slack.standing()
    ill = bool(found.late or found.failed)
    said = _("%(late)s late, %(failed)s failed, %(waiting)s waiting") % {
        "late": number(found.late), "failed": number(found.failed), "waiting": number(found.waiting),
    }  # fmt: skip
    todo = _("Look at the messages: the last trouble is on top.") if ill else ""
    return Light("Slack", said, ILL if ill else WELL, todo, reverse("slack-messages"))


def _webhooks() -> Light:
    found = webhooks.standing()
    ill = bool(found.failed or found.late)
    said = _("%(failed)s given up, %(late)s tried again, in a day") % {"failed": number(found.failed), "late": number(found.late)}
    todo = _("Look at what the other side answered.") if ill else ""
    if found.stuck:
        todo = _("For %(age)s nobody has looked what endpoints are owed, or posted what is due: is a worker running? Its log says why.") % {
            "age": age(found.behind)
        }
    return Light(_("Webhooks"), said, ILL if todo else WELL, todo, reverse("webhooks"))


def _unpicked() -> Iterator[Light]:
    found = overview.unpicked()
    todo = _("Is a worker running, and the clock?")
    for name, waited in ((_("Oldest ready run"), found.run_for), (_("Oldest ready call"), found.effect_for)):
        well = waited is None or waited <= LATE
        words = _("none waits") if waited is None else _("waits for a worker since %(age)s") % {"age": age(waited)}
        yield Light(name, words, WELL if well else ILL, "" if well else todo)


def age(value: timedelta) -> str:
    """How long, in its largest unit."""
    seconds = max(0, int(value.total_seconds()))
    for size, unit in ((86_400, _("%(n)s d")), (3_600, _("%(n)s h")), (60, _("%(n)s min"))):
        if seconds >= size:
            return unit % {"n": number(seconds // size)}
    return _("%(n)s s") % {"n": number(seconds)}
