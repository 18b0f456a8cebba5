"""Line plots and sparklines as SVG text: no script, no library, readable in print. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 240, 64, 36, 14
# Told apart in grey as well: colour and dash.
_STYLES = (("#1d4ed8", ""), ("#b45309", "6 3"), ("#15803d", "2 3"), ("#7e22ce", "8 3 2 3"), ("#b91c1c", "1 2"))
_TICKS = 4


def line_plot(series: Sequence[dict[str, Any]], *, title: str = "") -> str:
    """Return an SVG of all ``series`` (``name``, ``x``, ``y``, ``points``) in one pair of axes, or nothing."""
    drawn = [one for one in series if one["points"]]
    if not drawn:
        return ""
    xs = [point[0] for one in drawn for point in one["points"]]
    ys = [point[1] for one in drawn for point in one["points"]]
    x0, x1 = _span(xs)
    y0, y1 = _span([0.0, *ys] if min(ys) >= 0 and min(ys) < 0.5 * max(ys) else ys)

    def place(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + (x - x0) / (x1 - x0) * (_WIDTH - _LEFT - 12)
        down = _HEIGHT - _BOTTOM - (y - y0) / (y1 - y0) * (_HEIGHT - _BOTTOM - _TOP)
        return across, down

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT + 16 * len(drawn)}" role="img" '
        f'class="plot" aria-label="{escape(title or drawn[0]["name"])}">',
        *_axes(x0, x1, y0, y1, place, x_label=drawn[0]["x"], y_label=drawn[0]["y"]),
    ]
    for number, one in enumerate(drawn):
        colour, dash = _STYLES[number % len(_STYLES)]
        points = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in one["points"])
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" points="{points}"/>'
        )
        below = _HEIGHT + 12 + 16 * number
        parts.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + 28}" y1="{below - 4}" y2="{below - 4}" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dash}"/>'
            f'<text x="{_LEFT + 36}" y="{below}" font-size="12" fill="currentColor">{escape(one["name"])}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)


def sparkline(points: Sequence[float], *, label: str = "") -> str:
    """Return a small SVG line without axes."""
    if not points:
        return ""
    low, high = _span(points)
    step = 100 / max(1, len(points) - 1)
    shown = " ".join(
        f"{number * step:.1f},{22 - (value - low) / (high - low) * 20:.1f}" for number, value in enumerate(points)
    )
    if len(points) == 1:
        shown += f" 100,{shown.split(',')[1]}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 24" role="img" class="sparkline" '
        f'aria-label="{escape(label)}"><polyline fill="none" stroke="#1d4ed8" stroke-width="2" points="{shown}"/></svg>'
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _axes(x0: float, x1: float, y0: float, y1: float, place: Any, *, x_label: str, y_label: str) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        y = y0 + (y1 - y0) * tick / _TICKS
        x = x0 + (x1 - x0) * tick / _TICKS
        _, down = place(x0, y)
        across, _ = place(x, y0)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 12}" y1="{down:.1f}" y2="{down:.1f}" stroke="currentColor" '
            f'stroke-opacity=".15"/>'
            f'<text x="{_LEFT - 6}" y="{down + 4:.1f}" font-size="11" text-anchor="end" '
            f'fill="currentColor">{y:.4g}</text>'
            f'<text x="{across:.1f}" y="{_HEIGHT - _BOTTOM + 14}" font-size="11" text-anchor="middle" '
            f'fill="currentColor">{x:.4g}</text>'
        )
    parts.append(
        f'<text x="{_WIDTH - 12}" y="{_HEIGHT - 6}" font-size="11" text-anchor="end" fill="currentColor">'
        f"{escape(x_label)}</text>"
        f'<text x="4" y="10" font-size="11" fill="currentColor">{escape(y_label)}</text>'
    )
    return parts
