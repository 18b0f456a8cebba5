"""What the live page's script says, in the language of whoever looks."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext, gettext_noop

# Exactly the texts that cache.js hands to ``word``; places in braces are filled there.
_TEXTS: Final = (
    gettext_noop("model"),
    gettext_noop("runtime"),
    gettext_noop("state"),
    gettext_noop("memory"),
    gettext_noop("leases"),
    gettext_noop("in flight"),
    gettext_noop("uses"),
    gettext_noop("last use"),
    gettext_noop("age"),
    gettext_noop("load s"),
    gettext_noop("pid"),
    gettext_noop("pinned"),
    gettext_noop("yes"),
    gettext_noop("{n} s"),
    gettext_noop("{n} min"),
    gettext_noop("{n} h"),
    gettext_noop("{title}: {now} (most {most})"),
    gettext_noop("Memory, last hour"),
    gettext_noop("Loads per 10 s, last hour"),
    gettext_noop("load"),
    gettext_noop("unload"),
    gettext_noop("recycle"),
    gettext_noop("cancel"),
    gettext_noop("pin"),
    gettext_noop("unpin"),
    gettext_noop("drain"),
    gettext_noop("resume"),
    gettext_noop("{share} % hits"),
    gettext_noop("no requests yet"),
    gettext_noop("draining"),
    gettext_noop("refusing work: memory is nearly full"),
    gettext_noop("{n} queued"),
    gettext_noop("{n} waiting"),
    gettext_noop("failed {n} times"),
    gettext_noop("for good"),
    gettext_noop("again in {n} s"),
    gettext_noop("No node is alive."),
    gettext_noop("Unload {model}:{version}? Requests under way finish first."),
    gettext_noop("Cancel the load of {model}:{version}? Whoever waits for it is told so."),
    gettext_noop("Drain {node}? Its models are loaded on other nodes first."),
    gettext_noop("new"),
    gettext_noop("queued"),
    gettext_noop("reserved"),
    gettext_noop("loading"),
    gettext_noop("warming"),
    gettext_noop("ready"),
    gettext_noop("unloading"),
    gettext_noop("gone"),
    gettext_noop("failed"),
)


def words() -> dict[str, str]:
    """Return the translation of every text of the script."""
    return {text: gettext(text) for text in _TEXTS}
