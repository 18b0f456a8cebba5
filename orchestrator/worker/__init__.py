"""The node worker's part: a Celery bootstep that owns the supervisor of this node."""

from __future__ import annotations
