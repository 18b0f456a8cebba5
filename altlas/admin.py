"""Where Django's admin looks for this app's tables."""

from altlas.console import admin  # noqa: F401  # registers them
