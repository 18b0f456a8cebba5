from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from authgateway.conf import conf
from authgateway.models import User
from authgateway.services.signing_keys import signing_keys_tend


class Command(BaseCommand):
    help = "Create the first operator (a superuser) unless there is one; prints a made-up password once."

    def handle(self, *args: Any, **options: Any) -> None:
        signing_keys_tend()
        with transaction.atomic():
            existing = User.objects.filter(is_superuser=True, is_active=True).order_by("date_joined").first()
            if existing is not None:
                name = existing.get_username()
                self.stdout.write(f"operator  {name}  (a new password: manage.py changepassword {name})")
                return
            password = conf.admin_password or secrets.token_urlsafe(15)
            user = User(username=conf.admin_user, is_staff=True, is_superuser=True)
            if settings.PRODUCTION:
                _demand_strength(password, user)
            user.set_password(password)
            user.save()
        # A given password is known to whoever gave it and has no place in a log.
        shown = "as in ALTLAS_ADMIN_PASSWORD" if conf.admin_password else f"{password}  (shown this once)"
        self.stdout.write(f"operator  {user.get_username()}  password  {shown}")


def _demand_strength(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as exc:
        raise CommandError(f"ALTLAS_ADMIN_PASSWORD is refused in production: {' '.join(exc.messages)}") from None
