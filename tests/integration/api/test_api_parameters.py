"""A filter nobody knows is refused: ignored, it would make everything look like what was asked for."""

from agents.api.door import api

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
                status, said = admin.get(f"{path.removeprefix('/api/v1')}?{name}={values[one['schema']['type']]}")
                assert status == 200 or f"query.{name}" not in said.get("fields", {}), (path, name, said)


def test_a_stranger_is_asked_for_a_key_first(client, db):
    assert client.get("/api/v1/actions?agnet=books").status_code == 401
