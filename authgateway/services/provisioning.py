"""What an installation needs in its tables; repeated after every migrate, never undoing an operator's edit."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import connection

from authgateway import scopes
from authgateway.keys import ring
from authgateway.models import SigningKey
from authgateway.services.signing_keys import signing_keys_ensure


def provision() -> None:
    if SigningKey._meta.db_table not in connection.introspection.table_names():
        return  # migrated backwards
    for name in scopes.GROUPS:
        Group.objects.get_or_create(name=name)
    ring.reset()
    signing_keys_ensure()
