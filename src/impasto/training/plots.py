"""Curves of a run as SVG, small and many, written by hand: no plotting library is worth its weight for a few lines."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT, GAP, COLUMNS = 290, 100, 46, 3
STYLE = "text{font:11px sans-serif;fill:#555}.name{font-weight:bold}path{fill:none;stroke:#2468b4;stroke-width:1.5}"


def curves(charts: Mapping[str, Points]) -> str:
    """Name -> (x, y) in rising x, as one SVG of small charts, each on its own scale with its ends and extremes told.

    A chart without two points is left out.
    """
    shown = {name: points for name, points in charts.items() if len(points) > 1}
    rows = -(-len(shown) // COLUMNS)
    size = f"{COLUMNS * (WIDTH + GAP)} {rows * (HEIGHT + GAP)}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}"><style>{STYLE}</style>']
    for place, (name, points) in enumerate(shown.items()):
        row, column = divmod(place, COLUMNS)
        parts.append(f'<g transform="translate({column * (WIDTH + GAP)},{row * (HEIGHT + GAP)})">')
        parts += [*_chart(name, points), "</g>"]
    return "\n".join([*parts, "</svg>\n"])


def _chart(name: str, points: Points) -> list[str]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    (left, right), (low, high) = (min(xs), max(xs)), (min(ys), max(ys))
    wide, tall = (right - left) or 1, (high - low) or 1
    line = "L".join(f"{(x - left) / wide * WIDTH:.1f} {20 + (high - y) / tall * HEIGHT:.1f}" for x, y in points)
    return [
        f'<rect x="0" y="20" width="{WIDTH}" height="{HEIGHT}" fill="#f4f5f7"/><path d="M{line}"/>',
        f'<text class="name" x="0" y="13">{escape(name)}</text>',
        f'<text x="0" y="{HEIGHT + 33}">{low:.4g} to {high:.4g}, ends at {ys[-1]:.4g}</text>',
        f'<text x="{WIDTH}" y="{HEIGHT + 33}" text-anchor="end">{right:,.0f} seen</text>',
    ]
