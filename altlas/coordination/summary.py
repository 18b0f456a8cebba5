"""A daily summary in words. Pure: from the stored content, in the active language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from altlas.coordination.labels import label

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(points: Sequence[float]) -> str:
    """Return one bar for each point, scaled between the least and the greatest."""
    if not points:
        return ""
    least, most = min(points), max(points)
    if most == least:
        return _BARS[0] * len(points)
    return "".join(_BARS[round((point - least) / (most - least) * (len(_BARS) - 1))] for point in points)


def as_text(content: dict[str, Any]) -> str:
    return "\n".join(_lines(content)) + "\n"


def _lines(content: dict[str, Any]) -> Iterator[str]:
    yield _("Daily summary of %(day)s") % {"day": content["day"]}
    yield ""
    for fault in content["faults"]:
        counts = ", ".join(f"{count} {label(name)}" for name, count in fault["counts"].items() if count)
        yield f"  {fault['fault']:<8} {counts}"
    yield from _red(content)
    yield from _changes(content)
    yield from _risks(_("What blocks"), content["blockers"])
    yield from _risks(_("What is at risk"), content["risks"])
    yield ""
    yield _("Key figures")
    for figure in content["figures"]:
        yield f"  {figure['key']:<46} {figure['value']:>10.4g}{figure['unit']:<4} {sparkline(figure['points'])}"


def _red(content: dict[str, Any]) -> Iterator[str]:
    if not content["red"]:
        return
    yield ""
    yield _("Red verifications")
    for run in content["red"]:
        drill = f" ({_('a drill')})" if run["drill"] else ""
        yield f"  {run['name']} [{run['load']}]{drill}: {'; '.join(run['reasons'])}"


def _changes(content: dict[str, Any]) -> Iterator[str]:
    yield ""
    if content["since"] is None:
        yield _("This is the first summary.")
        return
    yield _("Changed since %(day)s") % {"day": content["since"]}
    if not content["changed"]:
        yield f"  {_('nothing')}"
    for change in content["changed"]:
        before, after = label(change["before"]), label(change["after"])
        yield f"  {change['row']} {change['title']}: {before} → {after}"


def _risks(title: str, risks: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield title
    if not risks:
        yield f"  {_('nothing')}"
    for risk in risks:
        days = int(risk["age"] // 86_400)
        age = ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
        owner = risk["owner"] or _("nobody")
        yield f"  [{risk['severity_label']}] {risk['title']} · {owner} · {age}"
