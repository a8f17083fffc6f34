"""A filter nobody knows is refused: ignored, it would make everything look like what was asked for."""

import base64
import re
from urllib.parse import quote

import pytest

from agents.api.door import api
from approvals.models import Alert
from tests import factories

LISTS = [
    "/actions",
    "/runs",
    "/agents",
    "/halts",
    "/switches",
    "/alerts",
    "/alerts/rules",
    "/halt-rules",
    "/policies",
    "/budgets",
    "/events",
]


def test_each_list_names_the_parameter_and_the_known_ones(cast, token):
    admin = token(cast.admin)
    for path in LISTS:
        status, said = admin.get(f"{path}?agnet=books&cursor=")
        assert (status, said["code"]) == (422, "bad_request"), path
        assert said["detail"].startswith("agnet: ") and set(said["fields"]) == {"query.agnet"}
        assert admin.get(f"{path}?cursor=")[0] == 200, "clients begin every list so"
    assert "state, agent, tool, level, run, mine, cursor, limit" in admin.get("/actions?status=PENDING")[1]["detail"]
    assert admin.get("/export/events?before=1")[0] == 422 and admin.get("/halts?active=false")[0] == 200


def test_every_parameter_of_the_document_is_known(cast, token):
    admin = token(cast.admin)
    values = {"boolean": "true", "integer": "1", "string": ""}
    for path, operations in api.get_openapi_schema()["paths"].items():
        if "{" in path or "get" not in operations:
            continue
        for one in operations["get"].get("parameters", []):
            if one["in"] == "query" and one["schema"].get("type") in values:
                name = one["name"]
                value = one["schema"].get("enum", [values[one["schema"]["type"]]])[0]
                status, said = admin.get(f"{path.removeprefix('/api/v1')}?{name}={value}")
                assert status == 200 or f"query.{name}" not in said.get("fields", {}), (path, name, said)


def test_whatever_changes_something_refuses_what_it_does_not_know_before_it_does_anything(cast, token):
    admin = token(cast.admin)
    none, uuid = "no-such-thing", "00000000-0000-0000-0000-000000000000"
    bodies = 0
    for path, operations in api.get_openapi_schema()["paths"].items():
        address = re.sub(r"{\w*_id}", uuid, path.removeprefix("/api/v1"))
        address = re.sub(r"{\w+}", none, address)
        for method, operation in operations.items():
            if method == "get":
                continue
            if "requestBody" in operation:
                status, said = admin.call(method.upper(), address, {"dry_run": True})
                assert status == 422 and any("dry_run" in name for name in said["fields"]), (method, path, said)
                bodies += 1
            else:
                status, said = admin.call(method.upper(), f"{address}?dry_run=1", key="k")
                assert (status, list(said.get("fields", {}))) == (422, ["query.dry_run"]), (method, path, said)
                status, said = admin.call(method.upper(), address, {"dry_run": True}, key="k")
                assert (status, list(said.get("fields", {}))) == (422, ["body"]), (method, path, said)
    assert bodies > 20


def test_a_halt_with_a_slip_of_the_pen_in_its_address_is_not_given(cast, token):
    admin = token(cast.admin)
    order = {"scope": "everything", "target": "", "reason": "drill"}
    status, said = admin.call("POST", "/halts?dry_run=1", order, key="k1")
    assert status == 422 and "dry_run" in said["detail"] and not admin.get("/halts")[1]["items"]
    assert admin.call("POST", "/halts", order, key="k1")[0] in {200, 201}


def test_a_stranger_is_asked_for_a_key_first(client, db):
    assert client.get("/api/v1/actions?agnet=books").status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"most": True}, "most"),
        ({"most": "3"}, "most"),
        ({"active": "no"}, "active"),
        ({"active": 0}, "active"),
        ({"share": 1.5}, "share"),
    ],
)
def test_a_value_of_another_kind_of_json_is_not_made_to_fit(token, cast, body, field):
    """A program that mixes two fields up must not halt an agent after one failure."""
    status, said = token(cast.operator).post("/halt-rules/failed_calls", {**body, "reason": "r"})
    assert (status, list(said["fields"])) == (422, [field])
    assert token(cast.operator).post("/halt-rules/failed_calls", {"most": 3, "share": 50.0, "active": True, "reason": "r"})[0] == 200


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "0001-01-01", "9999-12-31T23:59:59-14:00", "9999-12-31"])
def test_the_first_and_the_last_day_there_is_are_moments_like_others(cast, token, moment):
    admin = token(cast.admin)
    for path in ("/events", "/export/events"):
        assert [admin.get(f"{path}?{name}={quote(moment)}")[0] for name in ("since", "until")] == [200, 200]
        assert admin.get(f"{path}?since=2026-02-30")[0] == 422
    for path in ("/actions?", "/actions?state=APPROVED&", "/runs?"):
        position = f"{moment}~00000000-0000-0000-0000-000000000000".encode()
        status, said = admin.get(f"{path}cursor={base64.urlsafe_b64encode(position).decode().rstrip('=')}")
        # A cursor that a page gave has the offset of its moment.
        assert status == (200 if "T" in moment else 400), said


def test_the_cursor_of_a_list_is_of_no_other(cast, token, world, agents):
    _three_of_each(cast, world)
    admin = token(cast.admin)
    runs = [run["id"] for run in admin.get("/runs")[1]["items"]]
    lists = ["/actions?", "/runs?", "/events?", "/alerts?open=false&", f"/runs/{runs[0]}/checkpoints?", f"/runs/{runs[1]}/checkpoints?"]
    cursors = {path: admin.get(f"{path}limit=1")[1]["next"] for path in lists}
    assert all(cursors.values())
    for path in [*lists, "/policies?"]:
        for whose, cursor in cursors.items():
            status, said = admin.get(f"{path}cursor={cursor}")
            assert status == (200 if whose == path else 400), (path, whose, said)
            assert whose == path or (said["code"] == "bad_request" and "of no page of this list" in said["detail"])
    for path, cursor in cursors.items():
        position = base64.urlsafe_b64decode(cursor + "==").rpartition(b"/")[2]
        assert admin.get(f"{path}cursor={base64.urlsafe_b64encode(position).decode().rstrip('=')}")[0] == 200, (
            "one from before it named its list"
        )


def _three_of_each(cast, world):
    at = {"opened_at": "2026-01-01T00:00Z", "told_at": "2026-01-01T00:00Z", "closed_at": "2026-01-02T00:00Z"}
    Alert.objects.bulk_create([Alert(rule="unknown", key=str(n), value=1, most=1, last=0, worst=1, **at) for n in range(3)])
    for _ in range(3):
        factories.action()
        factories.run(cast.operator, factories.call(), world=world)
    factories.work()
