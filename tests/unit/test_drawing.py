"""A graph as a picture: every node has a place, nothing overlaps, the list says the same."""

import itertools

from agents.views.drawing import draw

LOOP = {
    "nodes": [{"id": n, "name": n} for n in ("__start__", "plan", "propose", "finish", "__end__")],
    "edges": [
        {"source": "__start__", "target": "plan"},
        {"source": "plan", "target": "propose", "conditional": True},
        {"source": "plan", "target": "finish", "conditional": True},
        {"source": "propose", "target": "plan"},
        {"source": "finish", "target": "__end__"},
    ],
}


def test_layers_go_down_and_loops_come_back():
    drawn = draw(LOOP)
    y = {node.label: node.y for node in drawn.nodes}
    assert y["start"] < y["plan"] < y["propose"] == y["finish"] < y["end"]
    assert len(drawn.edges) == 5 and sum(edge.conditional for edge in drawn.edges) == 2


def test_nodes_do_not_overlap():
    wide = {"nodes": [{"id": "a"}] + [{"id": f"n{i}"} for i in range(9)], "edges": [{"source": "a", "target": f"n{i}"} for i in range(9)]}
    for a, b in itertools.combinations(draw(wide).nodes, 2):
        assert a.y != b.y or a.x + a.w <= b.x or b.x + b.w <= a.x


def test_what_leads_back_stands_on_the_right():
    x = {node.label: node.x for node in draw(LOOP).nodes}
    assert x["propose"] > x["finish"]


def test_the_run_and_its_visits_are_marked():
    drawn = {node.label: node for node in draw(LOOP, visits={"plan": 3, "propose": 1}, now=["propose"]).nodes}
    assert "g-current" in drawn["propose"].classes and drawn["propose"].words == "the run is here"
    assert drawn["plan"].count.endswith("3") and drawn["plan"].words == "visited 3 times"
    assert "g-unvisited" in drawn["finish"].classes


def test_gates_are_diamonds_and_the_middleware_has_a_plain_name():
    drawn = draw({"nodes": [{"id": "HumanInTheLoopMiddleware.after_model", "name": "HumanInTheLoopMiddleware.after_model"}], "edges": []})
    assert (drawn.nodes[0].shape, drawn.nodes[0].label) == ("gate", "Approval gate")


def test_odd_graphs_are_drawn_too():
    assert draw({}).nodes == ()
    assert len(draw({"nodes": [{"id": "a"}], "edges": [{"source": "a", "target": "a"}, {"source": "a", "target": "gone"}]}).nodes) == 1


def test_a_graph_inside_is_marked_by_its_own_nodes():
    inside = {"nodes": [{"id": one} for one in ("a", "inner:ask", "inner:act", "b")], "edges": []}
    inside["edges"] = [{"source": a, "target": b} for a, b in (("a", "inner:ask"), ("inner:ask", "inner:act"), ("inner:act", "b"))]

    def here(now, visits=None):
        drawing = draw(inside, visits=visits or {}, now=now)
        return [node.label for node in drawing.nodes if "g-current" in node.classes]

    assert here(["inner", "inner:act"]) == ["inner:act"]
    assert here(["inner"]) == ["inner:ask"]  # which of them is not known
    assert here(["inner", "inner:gone"]) == []
    drawn = {node.label: node for node in draw(inside, visits={"a": 1, "inner": 1, "inner:ask": 2}).nodes}
    assert drawn["inner:ask"].words == "visited 2 times" and "g-unvisited" in drawn["inner:act"].classes
