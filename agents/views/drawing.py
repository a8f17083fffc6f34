"""A graph as a picture: layers from top to bottom, what was visited, where the run is now.

Belongs here: pure layout from nodes and edges to numbers a template writes into SVG. Small graphs only (tens of nodes); no Django.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

WIDTH, HEIGHT = 132, 34
GAP_X, GAP_Y = 28, 46
MARGIN = 14
CHAR = 7.2
LABEL = 26
ENDS = {"__start__": "start", "__end__": "end"}
GATES = ("gate", "approval", "humanintheloop", "interrupt")


@dataclass(frozen=True)
class Node:
    """A node with its place. `points` are set for gates, which are drawn as diamonds."""

    label: str
    shape: str
    classes: str
    words: str
    count: str
    x: float
    y: float
    w: float
    h: float
    r: float

    @property
    def cx(self) -> float:
        return round(self.x + self.w / 2, 1)

    @property
    def ty(self) -> float:
        return round(self.y + self.h / 2 + 4, 1)

    @property
    def count_x(self) -> float:
        return round(self.x + self.w, 1)

    @property
    def count_y(self) -> float:
        return round(self.y - 5, 1)

    @property
    def points(self) -> str:
        x, y, w, h = self.x, self.y, self.w, self.h
        corners = ((x + w / 2, y - 5), (x + w + 9, y + h / 2), (x + w / 2, y + h + 5), (x - 9, y + h / 2))
        return " ".join(f"{a:g},{b:g}" for a, b in corners)


@dataclass(frozen=True)
class Edge:
    d: str
    conditional: bool


@dataclass(frozen=True)
class Drawing:
    width: int
    height: int
    label: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def draw(graph: Mapping[str, Any], *, visits: Mapping[str, int] | None = None, now: Iterable[str] = ()) -> Drawing:
    """Lay a graph out. `visits` counts passes per node, `now` names where the run stands; both empty for a plain drawing.

    A node that is a graph is drawn as the nodes of that, "outer:inner"; the run is then at the one that asks, or at its first.
    """
    names = {str(n["id"]): str(n.get("name") or n["id"]) for n in graph.get("nodes", ())}
    edges = [
        (str(e["source"]), str(e["target"]), bool(e.get("conditional")))
        for e in graph.get("edges", ())
        if str(e["source"]) in names and str(e["target"]) in names
    ]
    layers = _layers(list(names), [(a, b) for a, b, _maybe in edges])
    rows = _ordered(layers, edges)
    places, width = _places(rows, names)
    current = _standing(list(names), layers, set(now))
    nodes = tuple(_node(key, names[key], places[key], visits, current) for row in rows for key in row)
    lines = tuple(Edge(_path(places[a], places[b], layers[b] - layers[a], width), maybe) for a, b, maybe in edges)
    back = 40 if any(layers[b] <= layers[a] for a, b, _maybe in edges) else 0
    height = max((y + h for _, y, _, h in places.values()), default=0) + MARGIN
    where = ", ".join(sorted(names.get(key, key) for key in current))
    label = _("%(n)s nodes, now at %(where)s") if where else _("%(n)s nodes")
    return Drawing(round(width + back), round(height), label % {"n": len(names), "where": where}, nodes, lines)


def _standing(keys: Sequence[str], layers: Mapping[str, int], now: set[str]) -> set[str]:
    """Those of the drawing's nodes; of a graph inside, where nothing names one of its own, those that come first."""
    found = now & set(keys)
    for name in now - found:
        inner = [key for key in keys if key.startswith(f"{name}:")]
        if inner and not any(key in found for key in inner) and not any(one.startswith(f"{name}:") for one in now):
            first = min(layers[key] for key in inner)
            found |= {key for key in inner if layers[key] == first}
    return found


def _layers(keys: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way to each node from the start, edges that lead back left out."""
    after: dict[str, list[str]] = defaultdict(list)
    for a, b in edges:
        after[a].append(b)
    order: list[str] = []
    state: dict[str, int] = {}
    back: set[tuple[str, str]] = set()

    def visit(key: str) -> None:
        state[key] = 1
        for other in after[key]:
            if state.get(other) == 1:
                back.add((key, other))
            elif other not in state:
                visit(other)
        state[key] = 2
        order.append(key)

    for key in sorted(keys, key=lambda k: k != "__start__"):
        if key not in state:
            visit(key)
    layer = dict.fromkeys(keys, 0)
    for key in reversed(order):
        for other in after[key]:
            if (key, other) not in back:
                layer[other] = max(layer[other], layer[key] + 1)
    return layer


def _ordered(layers: Mapping[str, int], edges: Sequence[tuple[str, str, bool]]) -> list[list[str]]:
    """Rows from the top; in a row, nodes stand under the middle of what leads to them."""
    rows: list[list[str]] = [[] for _i in range(max(layers.values(), default=-1) + 1)]
    for key, layer in layers.items():
        rows[layer].append(key)
    at = {key: i for row in rows for i, key in enumerate(row)}
    for row in rows[1:]:
        weight = {key: _mean([at[a] for a, b, _maybe in edges if b == key and layers[a] < layers[b]], at[key]) for key in row}
        # What leads back stands on the right, where its edge goes round without crossing anything.
        row.sort(key=lambda key: (any(a == key and layers[b] <= layers[a] for a, b, _maybe in edges), weight[key]))
        at.update({key: i for i, key in enumerate(row)})
    return rows


def _mean(values: Sequence[int], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _places(rows: Sequence[Sequence[str]], names: Mapping[str, str]) -> tuple[dict[str, tuple[float, float, float, float]], float]:
    widths = {key: max(64.0, min(len(_label(names[key])) * CHAR + 28, 220)) for row in rows for key in row}
    lengths = [sum(widths[k] for k in row) + GAP_X * (len(row) - 1) for row in rows]
    full = max([*lengths, WIDTH]) + 2 * (MARGIN + 24)
    places: dict[str, tuple[float, float, float, float]] = {}
    for i, row in enumerate(rows):
        x = (full - lengths[i]) / 2
        for key in row:
            places[key] = (round(x, 1), MARGIN + i * (HEIGHT + GAP_Y), widths[key], HEIGHT)
            x += widths[key] + GAP_X
    return places, full


def _path(a: tuple[float, float, float, float], b: tuple[float, float, float, float], span: int, width: float) -> str:
    ax, ay, aw, ah = a
    bx, by, bw, bh = b
    if (ax, ay) == (bx, by):  # to itself: a loop beside it
        side = ax + aw
        return f"M{side:g} {ay + ah * 0.3:g}C{side + 34:g} {ay - 8:g} {side + 34:g} {ay + ah + 8:g} {side + 3:g} {ay + ah * 0.7:g}"
    if span <= 0:  # back up: around the right-hand side
        side = width + 22
        return f"M{ax + aw:g} {ay + ah / 2:g}C{side:g} {ay + ah / 2:g} {side:g} {by + bh / 2:g} {bx + bw + 3:g} {by + bh / 2:g}"
    x1, y1, x2, y2 = ax + aw / 2, ay + ah + 2, bx + bw / 2, by - 3
    if span == 1:
        bend = (y2 - y1) / 2
        return f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
    side = 12 if min(x1, x2) < width / 2 else width - 12  # past a layer: along the nearer margin
    return f"M{x1:g} {y1:g}C{side:g} {y1 + 30:g} {side:g} {y1 + 30:g} {side:g} {(y1 + y2) / 2:g}S{side:g} {y2 - 30:g} {x2:g} {y2:g}"


def _node(key: str, name: str, place: tuple[float, float, float, float], visits: Mapping[str, int] | None, now: set[str]) -> Node:
    x, y, w, h = place
    end = key in ENDS
    gate = not end and any(word in name.lower().replace("_", "") for word in GATES)
    times = Counter(visits or {})[key]
    seen = times > 0 or key in now or (key == "__start__" and bool(visits))
    classes = [
        "g-end" if end else "",
        "g-gate" if gate else "",
        "g-current" if key in now else "",
        "" if visits is None else ("g-visited" if seen else "g-unvisited"),
    ]
    return Node(
        label=_label(name),
        shape="gate" if gate else "box",
        classes=" ".join(c for c in classes if c),
        words=_words(times, key in now, end, visits is not None),
        count=f"\N{MULTIPLICATION SIGN}{times}" if times > 1 else "",
        x=x, y=y, w=w, h=h, r=h / 2 if end else 6,
    )  # fmt: skip


def _label(name: str) -> str:
    name = ENDS.get(name, name)
    if name.startswith("HumanInTheLoopMiddleware"):
        return _("Approval gate")
    return name if len(name) <= LABEL else f"{name[: LABEL - 1]}…"


def _words(times: int, here: bool, end: bool, told: bool) -> str:
    if here:
        return _("the run is here")
    if not told or end:
        return ""
    return ngettext("visited %(n)s time", "visited %(n)s times", times) % {"n": times} if times else _("not visited")
