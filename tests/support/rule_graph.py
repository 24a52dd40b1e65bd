"""Draw the graph of the rules as SVG: ranks from top to bottom, only necessary edges, a colour per stage."""

from html import escape
from itertools import pairwise

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 196, 26, 14, 42, 14
# Of the stages in the order of the flow, readable with black text.
COLOURS = ("#d9d9d9", "#cfe8f7", "#d5edd0", "#fdf3c4", "#f9d9c0", "#f3d1dc", "#e2d8f0", "#dfe6d5")

Edge = tuple[str, str]


def reduce(edges: set[Edge]) -> set[Edge]:
    """Leave out every edge that a longer path replaces."""
    after: dict[str, set[str]] = {}
    for start, end in edges:
        after.setdefault(start, set()).add(end)

    def reached(node: str) -> set[str]:
        found = set(after.get(node, ()))
        return found.union(*(reached(one) for one in found))

    return {(a, b) for a, b in edges if not any(b in reached(c) for c in after[a] - {b})}


def ranks(edges: set[Edge]) -> dict[str, int]:
    """Number the nodes by the longest path that leads to them."""
    before: dict[str, list[str]] = {}
    for start, end in sorted(edges):
        before.setdefault(start, [])
        before.setdefault(end, []).append(start)

    def rank(node: str) -> int:
        return 1 + max((rank(one) for one in before[node]), default=-1)

    return {node: rank(node) for node in before}


def places(row: list[str]) -> dict[str, float]:
    """Return the place of each node in its rank, from 0 to 1."""
    return {node: i / max(len(row) - 1, 1) for i, node in enumerate(row)}


def arrange(edges: set[Edge]) -> tuple[list[list[str]], set[Edge]]:
    """Order the nodes of each rank so that few edges cross; long edges get a node of the name `A>B>RANK` per rank."""
    rank = ranks(edges)
    rows: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for node, row in sorted(rank.items()):
        rows[row].append(node)
    short = set()
    for start, end in sorted(edges):
        between = [f"{start}>{end}>{row}" for row in range(rank[start] + 1, rank[end])]
        for node in between:
            rows[int(node.rpartition(">")[2])].append(node)
        path = [start, *between, end]
        short |= set(pairwise(path))
    for sweep in range(12):
        down = sweep % 2 == 0
        order = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for row in order:
            place, old = places(rows[row - 1 if down else row + 1]), places(rows[row])

            def centre(node: str, place=place, old=old, down=down) -> tuple[float, str]:
                found = [place[a if down else b] for a, b in sorted(short) if (b if down else a) == node]
                return (sum(found) / len(found) if found else old[node], node)

            rows[row].sort(key=centre)
    return rows, short


def draw(edges: set[Edge], stage_of: dict[str, str], stages: tuple[str, ...]) -> str:
    """Return the SVG of the graph."""
    edges = reduce(edges)
    rows, short = arrange(edges)
    size = {node: 18 if ">" in node else WIDTH for row in rows for node in row}
    length = [sum(size[node] + GAP_X for node in row) - GAP_X for row in rows]
    width = max(length) + 2 * MARGIN
    x, y = {}, {}
    for i, row in enumerate(rows):
        left = (width - length[i]) / 2
        for node in row:
            x[node], y[node] = left + size[node] / 2, MARGIN + 30 + i * (HEIGHT + GAP_Y)
            left += size[node] + GAP_X
    height = y[rows[-1][0]] + HEIGHT + MARGIN
    style = "font: 12px sans-serif; text-anchor: middle"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">',
        "<title>Rules of the demo, from the recordings to the page of results</title>",
        f'<rect width="100%" height="100%" fill="white"/><g style="{style}" fill="none" stroke="#666">',
    ]
    for a, b in sorted(short):
        top, bottom = y[a] + HEIGHT, y[b]
        middle = (top + bottom) / 2
        curve = f"M{x[a]:.0f} {top:.0f}C{x[a]:.0f} {middle:.0f} {x[b]:.0f} {middle:.0f} {x[b]:.0f} {bottom:.0f}"
        through = f"M{x[b]:.0f} {bottom:.0f}v{HEIGHT}" if ">" in b else ""
        lines.append(f'<path d="{curve}{through}"/>')
    for node in sorted(node for row in rows for node in row if ">" not in node):
        colour = COLOURS[stages.index(stage_of[node])]
        left = x[node] - WIDTH / 2
        lines.append(
            f'<rect x="{left:.0f}" y="{y[node]:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="{colour}"/>'
            f'<text x="{x[node]:.0f}" y="{y[node] + 17:.0f}" fill="black" stroke="none">{escape(node)}</text>'
        )
    for i, stage in enumerate(stages):
        left = MARGIN + i * 92
        lines.append(
            f'<rect x="{left}" y="8" width="12" height="12" fill="{COLOURS[i]}"/>'
            f'<text x="{left + 18}" y="18" fill="black" stroke="none" style="text-anchor: start">{stage}</text>'
        )
    return "\n".join([*lines, "</g></svg>", ""])
