"""Every version of every action is what the log says was asked; whoever changes one in the database is named by `manage.py audit verify`."""

import pytest
from django.core.management import call_command

from approvals import envelopes, operations
from approvals.models import Action, Requirement
from approvals.queries.versions import Changed, versions_on_record
from tests import factories
from tests.factories import call, work
from tests.fakes import as_intruder

pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
def edited(cast, world):
    action = factories.waiting(cast.operator, call(label="before", times=1), world=world)[1]
    operations.request_edit(
        action.pk, by=cast.second, seen_digest=action.digest, args={"label": "after", "times": 1}, reason="a test wants it", door="web"
    )
    work()
    return Action.objects.get(pk=action.pk)


def test_all_versions_hold_those_that_were_decided_as_well(cast, edited, capsys):
    factories.decide(edited, cast.reviewer)
    work()
    factories.approved(cast.reviewer, "high")
    assert list(versions_on_record()) == [Requirement.objects.count()] and Requirement.objects.count() >= 3
    call_command("audit", "verify")
    assert f"All {Requirement.objects.count()} versions of actions are what was asked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("version", "change"),
    [
        (1, "envelope = convert_to(replace(convert_from(envelope, 'UTF8'), 'before', 'behind'), 'UTF8')"),
        (2, "envelope = convert_to(replace(convert_from(envelope, 'UTF8'), 'after', 'later'), 'UTF8')"),
        (1, "level = 'low'"),
        (1, "score = score + 1"),
        (1, "policy = 'v7-deadbeef'"),
        (2, """preview = '{"summary": "nothing"}'"""),
        (1, "envelope = 'x'"),
    ],
)
def test_one_that_was_changed_is_named(edited, capsys, version, change):
    with as_intruder("approvals_requirement") as cursor:
        cursor.execute(f"UPDATE approvals_requirement SET {change} WHERE version = {version}")
    (found,) = versions_on_record()
    assert isinstance(found, Changed) and (found.action, found.version) == (str(edited.pk), version)
    with pytest.raises(SystemExit):
        call_command("audit", "verify")
    assert f"Version {version} of action {edited.pk} is not what was asked" in capsys.readouterr().out


def test_the_columns_of_an_action_say_what_its_newest_version_says(edited):
    with as_intruder("approvals_action") as cursor:
        cursor.execute("UPDATE approvals_action SET summary = 'Append nothing'")
    (found,) = versions_on_record()
    assert isinstance(found, Changed) and "does not match what was proposed" in found.why


def test_one_with_a_digest_of_its_own_is_in_no_event(edited):
    """Bytes and digest fit each other; nobody ever asked it."""
    row = Requirement.objects.get(version=1)
    forged = bytes(row.envelope).replace(b"before", b"behind")

    with as_intruder("approvals_requirement") as cursor:
        cursor.execute(
            "UPDATE approvals_requirement SET envelope = %s, digest = %s WHERE id = %s", [forged, envelopes.digest_of(forged), row.pk]
        )
    (found,) = versions_on_record()
    assert isinstance(found, Changed) and "No event" in found.why
