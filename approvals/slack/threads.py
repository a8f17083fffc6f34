"""The thread under a card is the discussion of its action: what happened is said there, comments go both ways, and no text ever decides."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.legible.paths import walk
from approvals.policy.slack import SlackRule
from approvals.queries import comments
from approvals.queries import slack as queries
from approvals.slack import blocks as b
from approvals.slack import refusing
from approvals.slack.cards import Drawn, url_of
from approvals.slack.text import broken, cut, date, link, safe, spelled, valued
from approvals.states import Verdict
from approvals.web.receipts import VERDICTS, door_of
from audit.languages import told

MOST_CHANGES = 10
MOST_SHOWN = 200  # characters of a value


def draw(key: str, rule: SlackRule) -> Drawn | None:
    """The reply that a key of the queue names; None when what it is about is not there (any more)."""
    _reply, kind, *rest = key.split(":")
    if kind == "decision":
        return _decision(queries.decision(int(rest[0])))
    if kind == "version":
        return _version(queries.two_versions(rest[0], int(rest[1])), rule)
    if kind == "refused":
        return _refused(queries.refused_edit(int(rest[0])), rule)
    return _comment(comments.comment(int(rest[0])))


def _decision(found: queries.DecisionRow | None) -> Drawn | None:
    if found is None:
        return None
    verb = told(VERDICTS[found.verdict].verb)
    who = {"verb": f"*{safe(verb)}*", "by": safe(spelled(found.by)), "whom": safe(spelled(found.instead_of))}
    said = (_("%(verb)s by %(by)s for %(whom)s") if found.instead_of else _("%(verb)s by %(by)s")) % who
    head = f"{said}, {safe(door_of(found.door))}, {date(found.at)}"
    said_here = _("What was answered stands on the page") if found.verdict == Verdict.RESPOND else cut(spelled(found.words), 1_500)
    words = [b.section(b.plain(said_here))] if found.words else []
    return Drawn(
        broken(_("%(verb)s by %(by)s") % {"verb": verb, "by": spelled(found.by)}), [b.section(b.mrkdwn(head)), *words], found.version
    )


def _version(found: queries.Versions | None, rule: SlackRule) -> Drawn | None:
    """What differs from the version before, as far as it may stand in a channel."""
    if found is None:
        return None
    head = _("Version %(n)d, edited by %(who)s") if found.why == "edited" else _("Version %(n)d: asked again")
    title = head % {"n": found.version, "who": spelled(found.edited_by)}
    lines, hidden = changed(found.before, found.after, rule.safe_fields(found.tool))
    if hidden:
        lines.append(
            ngettext("%(n)d value that stays out of the channel differs", "%(n)d values that stay out of the channel differ", hidden)
            % {"n": hidden}
        )
    why = _("Why: %(reason)s") % {"reason": spelled(found.reason)} if found.reason else ""
    asked = _("asked under policy %(policy)s") % {"policy": spelled(found.policy)}
    parts = [b.section(b.plain(title)), b.context(b.mrkdwn(f"{date(found.at)} · {safe(asked)}"))]
    parts += [b.section(b.plain(cut(why, 1_500)))] if why else []
    parts += [b.section(b.plain(cut("\n".join(lines), 2_900)))] if lines else []
    return Drawn(broken(title), [*parts, b.context(b.mrkdwn(link(url_of(found.action), _("Open in Countersign"))))], found.version)


def _refused(found: queries.RefusedEdit | None, rule: SlackRule) -> Drawn | None:
    if found is None:
        return None
    said = cut(refusing.line(found, rule), 1_500)
    foot = " · ".join([*([date(found.at)] if found.at else []), link(url_of(found.action), _("Open in Countersign"))])
    return Drawn(broken(cut(said, 300)), [b.section(b.plain(said)), b.context(b.mrkdwn(foot))], found.version)


def changed(before: Any, after: Any, safe_names: frozenset[str] | None) -> tuple[list[str], int]:
    """`path: old -> new` of every value that differs; those of fields that are not safe only counted (None: all are)."""
    old, new = dict(walk(_dict(before))), dict(walk(_dict(after)))
    paths = [p for p in dict.fromkeys([*old, *new]) if old.get(p, ...) != new.get(p, ...)]
    shown = [p for p in paths if safe_names is None or p.split(".", 1)[0].split("[", 1)[0] in safe_names]
    lines = [f"{spelled(p)}: {before} → {after}" for p in shown[:MOST_CHANGES] for before, after in [_pair(old, new, p)]]
    return lines, len(paths) - len(shown[:MOST_CHANGES])


def _pair(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> tuple[str, str]:
    """Both values, of long ones the part where they begin to differ."""
    before, after = _value(old, path), _value(new, path)
    if max(len(before), len(after)) <= MOST_SHOWN:
        return before, after
    same = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    return _around(before, same), _around(after, same)


def _around(text: str, place: int) -> str:
    begin = max(0, min(place - MOST_SHOWN // 3, len(text) - MOST_SHOWN))
    return f"{'…' if begin else ''}{cut(text[begin:], MOST_SHOWN)}"


def _value(values: Mapping[str, Any], path: str) -> str:
    if path not in values:
        return _("(not there)")
    found = values[path]
    return valued(found, spelled(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)))


def _dict(args: Any) -> dict[str, Any]:
    return args if isinstance(args, dict) else {"value": args}


def _comment(found: comments.CommentRow | None) -> Drawn | None:
    if found is None:
        return None
    head = f"*{safe(spelled(found.by))}*, {safe(door_of(found.door))}"
    body = cut(spelled_lines(found.text), 2_900)
    return Drawn(
        broken(_("%(who)s wrote a comment") % {"who": spelled(found.by)}), [b.section(b.mrkdwn(head)), b.section(b.plain(body))], 0
    )


def spelled_lines(text: str) -> str:
    """Several lines, each with every character visible."""
    return "\n".join(spelled(line) for line in text.splitlines()) or "-"
