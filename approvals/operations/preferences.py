"""A person's own desk: choices, saved views, and what they have open. Not audited: nothing here changes what may happen."""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from approvals.errors import BadRequest
from approvals.models import Preference, User
from approvals.notify.choices import BadChoice
from approvals.notify.choices import checked as checked_reach
from approvals.queries.preferences import INBOX
from audit.sentences import say

THEMES = ("system", "light", "dark")
DENSITIES = ("comfortable", "compact")
MOST_VIEWS = 30
MOST_NAME = 40
_KEY = re.compile(r"[a-z0-9/?.,;=\[\]]")
_FIRST = "INSERT INTO approvals_preference (user_id, choices, views, viewing) VALUES (%s, '{}', '[]', '') ON CONFLICT DO NOTHING"
_LOOK = """
WITH was AS (SELECT viewing, viewing_at FROM approvals_preference WHERE user_id = %(user)s)
INSERT INTO approvals_preference (user_id, choices, views, viewing, viewing_at)
VALUES (%(user)s, '{}', '[]', %(action)s, statement_timestamp())
ON CONFLICT (user_id) DO UPDATE SET viewing = EXCLUDED.viewing, viewing_at = EXCLUDED.viewing_at
RETURNING (SELECT viewing FROM was)
"""


@transaction.atomic
def choose(*, by: User, choices: Mapping[str, Any]) -> None:
    """Keep these choices, leaving the others as they are. Raises BadRequest for one that does not exist."""
    checked = {name: _checked(name, value) for name, value in choices.items()}
    row = _row(by)
    row.choices = {**row.choices, **checked}
    row.save(update_fields=["choices"])


@transaction.atomic
def save_view(*, by: User, name: str, query: str, place: str = INBOX) -> bool:
    """Keep an address of the inbox, or of another place, under a name. The same name again replaces it there: returns whether it did."""
    name = " ".join(name.split())[:MOST_NAME]
    if not name or not name.isprintable():
        raise BadRequest(say("A view needs a name that can be read"))
    if len(query) > 500:
        raise BadRequest(say("This view has more filters than can be kept"))
    row = _row(by)
    others = [view for view in row.views if not _is(view, name, place)]
    replaced = len(others) < len(row.views)
    row.views = [*others, {"name": name, "query": query, "place": place}]
    if len(row.views) > MOST_VIEWS:
        raise BadRequest(say("At most %(most_views)d views are kept; remove one in your preferences first", most_views=MOST_VIEWS))
    row.save(update_fields=["views"])
    return replaced


@transaction.atomic
def remove_view(*, by: User, name: str, place: str = INBOX) -> None:
    row = _row(by)
    row.views = [view for view in row.views if not _is(view, name, place)]
    row.save(update_fields=["views"])


def _is(view: Mapping[str, str], name: str, place: str) -> bool:
    return (view["name"], view.get("place", INBOX)) == (name, place)


def look_at(action_id: UUID, *, by: User) -> None:
    """This person has the action open now. Others who have it open are told when that is news; nobody is kept from anything."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOOK, {"user": by.pk, "action": str(action_id)})
        before = cursor.fetchone()[0]
        if before != str(action_id):
            for changed in filter(None, (before, str(action_id))):
                hint = {"id": 0, "topic": "inbox", "object": "presence", "object_id": changed, "version": 0, "kind": "presence"}
                cursor.execute("SELECT pg_notify('countersign_live', %s)", [json.dumps(hint)])


def look_away(*, by: User) -> None:
    """This person shows nothing any more."""
    Preference.objects.filter(user=by).update(viewing="", viewing_at=Now())


def _row(by: User) -> Preference:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [by.pk])
    return Preference.objects.select_for_update().get(user=by)


def _checked(name: str, value: Any) -> Any:
    known = {"theme": THEMES, "density": DENSITIES}
    if name in known:
        if value not in known[name]:
            raise BadRequest(
                say("%(what)s is no %(name)s; there are %(names)s", what=repr(str(value)[:40]), name=name, names=", ".join(known[name]))
            )
        return value
    if name == "keys_off":
        return bool(value)
    if name == "keys":
        return _keys(value)
    if name == "reach":
        return _reach(value)
    raise BadRequest(say("There is no preference %(name)s", name=repr(name[:40])))


def _reach(wanted: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return checked_reach(wanted)
    except BadChoice as error:
        raise BadRequest(str(error), fields={error.field: str(error)}) from error


def _keys(wanted: Mapping[str, str]) -> dict[str, str]:
    """Key by command, only what differs from the usual. Two commands cannot have one key."""
    kept: dict[str, str] = {}
    for command, key in wanted.items():
        key = key.strip().lower()
        if not _KEY.fullmatch(key):
            raise BadRequest(
                say("%(key)s cannot be a key: one letter, digit or mark", key=repr(key[:10])),
                fields={command: say("One letter, digit or mark")},
            )
        kept[command] = key
    twice = sorted({key for key in kept.values() if list(kept.values()).count(key) > 1})
    if twice:
        raise BadRequest(
            say("Two commands have the key %(upper)s", upper=twice[0].upper()),
            fields={c: say("Taken twice") for c, k in kept.items() if k in twice},
        )
    return kept
