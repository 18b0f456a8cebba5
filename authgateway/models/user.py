from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower

from altlas.kernel.ids import uuid7


class User(AbstractUser):
    """A person or a program that logs in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    epoch = models.BigIntegerField(
        default=0,
        editable=False,
        help_text="Access tokens issued before this second (Unix time) are refused.",
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            # "Admin" beside "admin" would be a way to be mistaken for someone.
            models.UniqueConstraint(Lower("username"), name="user_username_ci_unique"),
        ]


class LockedAccount(User):
    """An account whose logins were refused within the window of the limits: a view of users for the console."""

    class Meta:
        proxy = True
        verbose_name = "locked account"
        verbose_name_plural = "locked accounts"
