"""What is said in a channel of an edit that was not taken: who wrote it, and why as far as that may stand there. The call stands as it was."""

from django.utils.translation import gettext as _

from approvals.policy.slack import SlackRule
from approvals.queries.slack import RefusedEdit
from approvals.slack.text import person, spelled
from audit.languages import told


def line(found: RefusedEdit, rule: SlackRule) -> str:
    """One sentence for the card and the reply under it."""
    who = person(found.by)
    if not may_stand(found, rule):
        return _("The edit by %(who)s was refused; %(where)s says why to whoever wrote it. The call stands as it was.") % {
            "who": who, "where": where(found.level),
        }  # fmt: skip
    return _("The edit by %(who)s was refused: %(why)s. The call stands as it was.") % {"who": who, "why": _why(found)}


def where(level: str) -> str:
    """What says why: of a critical call there is no view, only a link."""
    return _("its page") if level == "critical" else _("Review")


def _why(found: RefusedEdit) -> str:
    said = "; ".join(f"{path}: {told(text)}" if path else told(text) for path, text in found.errors.items())
    return spelled(said).removesuffix(".")


def may_stand(found: RefusedEdit, rule: SlackRule) -> bool:
    """A reason repeats values and names of arguments: it stands here only where all of them may. One that is of no argument may come from
    the tool's preview, and speak of its data."""
    if not found.errors or not isinstance(found.args, dict):
        return False
    names = {path.split(".", 1)[0].split("[", 1)[0] for path in found.errors if path}
    data = rule.shows_preview(found.tool) or "" not in found.errors
    return data and (found.args.keys() | names) <= rule.safe_fields(found.tool)
