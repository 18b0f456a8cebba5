from __future__ import annotations

from django import template

from altlas.coordination.labels import label

register = template.Library()
register.filter("label", label)
