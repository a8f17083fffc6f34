"""Whether a declared tool takes the same as when its call was asked about."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from agents.models import Agent, AgentVersion
from agents.operations.fingerprints import takes_the_same
from agents.tools.registry import RiskClass, Tool
from audit import canonical


def declared(doc: str = "What is paid.", says: str = "in cents", **more) -> Tool:
    class Pay(BaseModel):
        __doc__ = doc
        amount: Annotated[int, Field(description=says)]
        __annotations__.update(more)

    return Tool(name="pay", args=Pay, call=lambda args, ctx: {}, risk=RiskClass.MONEY, summary="Pay {amount}")


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ({}, True),
        ({"doc": "What somebody is paid, in words made better."}, True),
        ({"says": "in euros"}, False),
        ({"tip": int | None}, False),
    ],
)
def test_only_what_a_tool_says_of_itself_may_change(cast, now, same):
    agent = Agent.objects.create(slug="payer", title="Payer", project="", environment="staging", user=cast.outsider)
    was = declared()
    AgentVersion.objects.create(
        agent=agent, number=1, sha256="a" * 64, drawing={}, tools=[was.describe()], input_schema={}, model="", policy=""
    )
    assert takes_the_same("payer", declared(**now), was.schema_sha256) is same


def test_a_schema_that_no_version_kept_is_another(db):
    assert not takes_the_same("payer", declared(), canonical.fingerprint({}))
