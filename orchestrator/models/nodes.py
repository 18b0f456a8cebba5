"""Nodes as PostgreSQL knows them; what they hold right now is in Redis."""

from __future__ import annotations

from django.db import models


class Node(models.Model):
    name = models.CharField(primary_key=True, max_length=128)
    draining = models.BooleanField(default=False, help_text="Takes no new models; its own are moved away.")
    budget_bytes = models.PositiveBigIntegerField(default=0)
    used_bytes = models.PositiveBigIntegerField(default=0)
    host = models.CharField(max_length=255, blank=True, default="")
    pid = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
