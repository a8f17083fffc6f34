"""Standing approvals from the command line: tried, given, listed, revoked; refusals are one sentence."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals.models import Grant
from tests import factories
from tests.factories import approved

pytestmark = pytest.mark.django_db


def grants(*args: str) -> str:
    out = StringIO()
    call_command("grants", *args, stdout=out)
    return out.getvalue()


def test_tried_given_listed_and_revoked(cast):
    like = str(approved(cast.reviewer).pk)
    bounds = (like, "--scope", "tool", "--uses", "2", "--until", "17:00", "--by", "rita")
    assert "would have let through 1 of the last 1" in grants("try", *bounds)
    assert not Grant.objects.exists()
    assert "Given as grant" in grants("give", *bounds, "--reason", "fine")
    number = str(Grant.objects.get().pk)
    assert factories.action().state == "APPROVED"
    assert "1/2 left" in grants("list")
    assert "Do this" in grants("show", number)
    assert "it let 1 through" in grants("revoke", number, "--by", "olga")
    assert "No grant is in force" in grants("list")
    assert "revoked" in grants("list", "--all")


@pytest.mark.parametrize(
    "args",
    [
        ("try", "no-id", "--by", "rita"),
        ("try", "LIKE", "--until", "some day", "--by", "rita"),
        ("give", "LIKE", "--scope", "tool", "--by", "aldo", "--reason", "x"),
        ("give", "LIKE", "--scope", "tool", "--by", "rita"),
        ("revoke", "99", "--by", "olga"),
        ("too", "99", "--by", "rita"),
        ("show", "x"),
    ],
)
def test_refusals_are_a_sentence(cast, args):
    like = str(approved(cast.reviewer).pk)
    with pytest.raises(CommandError):
        grants(*(like if a == "LIKE" else a for a in args))
    assert not Grant.objects.exists()
