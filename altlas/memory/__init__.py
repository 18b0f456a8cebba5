"""Memory under load: profiles, long runs and their verdicts (``manage.py memory``)."""

from __future__ import annotations
