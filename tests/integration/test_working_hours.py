"""Deadlines that count in working hours, put off and kept over an edit."""

from datetime import timedelta
from typing import Any

import pytest

from approvals import envelopes, operations, queries
from approvals.errors import BadRequest
from approvals.models import Requirement
from approvals.policy.calendars import Calendar
from tests import factories
from tests.fakes import as_intruder, policy_text
from tests.integration.test_edits import edited
from tests.integration.test_turns import stored

pytestmark = pytest.mark.usefixtures("agents")


def test_with_a_calendar_a_deadline_is_put_off_by_working_time(cast, world, policy):
    hours = {"zone": "UTC", "opens": "12:00", "closes": "12:30", "days": ["mon", "wed", "fri"]}
    asks = {"calendar": "noon", "deadline_s": 1_800, "extend": {"by": ["reviewers"], "at_most_s": 3_600}, "remind": ["50%"]}

    def at_noon(data: dict[str, Any]) -> None:
        data["requirements"]["medium"].update(asks)
        data["calendars"] = {"noon": hours}

    policy.write_text(policy_text(at_noon))
    noon = Calendar.model_validate(hours)
    _, action = factories.waiting(cast.reviewer, factories.call(), world=world)
    was = action.expires_at
    for seconds in (600, 900):
        operations.extend(action.pk, by=cast.second, seconds=seconds, reason="The bank answers at noon", door="web")
    put_off = stored(action)
    assert (put_off.expires_at, put_off.extended_s) == (noon.plus(was, 1_500), 1_500)
    assert put_off.expires_at - was > timedelta(hours=23)
    assert not queries.action_detail(action.pk, reader=cast.second).tampered
    edited(action, cast.second, {"label": "other", "times": 1})
    envelope = envelopes.parse(Requirement.objects.get(action=action, version=2))
    assert (envelope.put_off_s, envelope.extend.at_most_s) == (1_500, 2_100)
    assert stored(action).expires_at == put_off.expires_at
    with as_intruder("approvals_action") as cursor:
        cursor.execute(
            "UPDATE approvals_action SET extended_s = 600, expires_at = expires_at + interval '600 s' WHERE id = %s", [action.pk]
        )
    assert queries.action_detail(action.pk, reader=cast.second).tampered


def test_an_edit_keeps_what_was_put_off(cast, world):
    _, action = factories.waiting(cast.reviewer, factories.call(), world=world)
    operations.extend(action.pk, by=cast.operator, seconds=1_800, reason="The bank answers at noon", door="web")
    until = stored(action).expires_at
    edited(action, cast.second, {"label": "other", "times": 1})
    assert stored(action).expires_at == until
    with pytest.raises(BadRequest, match="as far as the policy allows"):
        operations.extend(action.pk, by=cast.operator, seconds=600, reason="more", door="web")
