"""Two runs side by side: only what differs, by node and visit; what is new in every run is no difference."""

from django.core.management import call_command
from django.urls import reverse

from agents import queries
from agents.compared import compare_runs
from agents.models import Run
from tests.integration.test_compensating import book, trip

URL = "runs-compare"


def compared(a, b):
    return compare_runs(queries.run_detail(a.pk), queries.run_detail(b.pk))


def test_two_runs_that_went_the_same_way_do_not_differ(cast, trips, world):
    runs = [trip(cast, world, agent="clerk") for _ in range(4)]  # the first ones score higher: their calls are new
    found = compared(*runs[-2:])
    assert found.differing == ()
    assert {row.node for row in found.rows} >= {"plan", "propose", "finish"}
    assert (found.left.model_calls, found.left.asked) == (3, 2)


def test_what_differs_is_named_by_node_visit_and_part(cast, trips, world):
    for _ in range(2):
        one = trip(cast, world, book("hotel"), book("car"))
    other = trip(cast, world, book("hotel"), book("boat"), book("plane"), reject=["boat"])
    rows = {(row.node, row.visit, row.call): row for row in compared(one, other).differing}
    assert rows["step_2", 1, True].differing == ("args", "decision", "outcome", "result")
    assert rows["step_3", 1, True].left is None
    assert "args" not in rows["step_1", 1, True].differing  # only its score: what is new counts more


def test_the_page_shows_it_and_offers_what_to_compare_with(web, cast, trips, world):
    one, other = trip(cast, world, book("hotel")), trip(cast, world, book("car"))
    page = web.get(reverse("run", args=[one.pk])).content.decode()
    assert f"{reverse(URL)}?a={one.pk}" in page
    assert str(other.pk) in web.get(reverse(URL), {"a": one.pk}).content.decode()
    differing = web.get(reverse(URL), {"a": one.pk, "b": other.pk}).content.decode()
    everything = web.get(reverse(URL), {"a": one.pk, "b": other.pk, "all": "1"}).content.decode()
    assert "step_1, call 1" in differing
    assert "they began with different inputs" in differing and "What they began with" in differing
    assert "step_4, visit 1" not in differing
    assert "step_4, visit 1" in everything
    for query, status in (({}, 302), ({"a": "x"}, 404), ({"a": one.pk, "b": "\x7f"}, 404)):
        assert web.get(reverse(URL), query).status_code == status


def test_the_command_says_it_too(cast, trips, world, capsys):
    one, other = trip(cast, world, book("hotel")), trip(cast, world, book("car"))
    call_command("runs", "compare", str(one.pk), str(other.pk))
    said = capsys.readouterr().out
    assert 'step_1, call 1: args\n  - {"label": "hotel"}\n  + {"label": "car"}' in said
    assert Run.objects.count() == 2
