"""Classes of a project's own in its state and its questions: through a pause they stay what they are."""

import pytest

from tests import factories
from tests.factories import asked, decide, lines, work


def test_an_agent_finds_its_model_dataclass_and_enum_again_after_an_approved_call(others, world):
    run = factories.planned(others.reviewer, world, [["send", {"to": "bob"}]], agent="typed_agent")
    work()
    decide(asked(run)[0], others.second)
    work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert lines(world) == ['send {"copies": 1, "to": "bob"}', 'met {"colour": "RED", "name": "ada", "place": ["Hill Road", "RED"]}']


@pytest.mark.parametrize("agent", ["typed_graph", "typed_inside", "typed_builder"])
def test_so_does_a_node_after_its_question_also_of_a_graph_inside_another(others, world, agent):
    run = factories.planned(others.reviewer, world, agent=agent)
    work()
    decide(asked(run)[0], others.second, "respond", response="yes")
    work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert lines(world) == ['greeted {"seen": ["ada", "Hill Road", "RED", "RED"], "told": "yes"}']
