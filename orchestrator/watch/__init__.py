"""The memory watch of a node: readings of every process, thresholds, alerts, and acting on them."""

from __future__ import annotations
