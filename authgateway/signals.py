"""What must happen whoever changes an account, be it the admin, a command or a shell."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.db.models.functions import Greatest
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.dispatch import receiver

from altlas.kernel.clock import now
from authgateway.models import Family, SecurityEvent, User
from authgateway.services.security_events import event_record
from authgateway.services.sessions import user_sessions_end

_WATCHED = ("password", "is_active", "is_staff", "is_superuser")


@receiver(pre_save, sender=User)
def _remember(sender: type[User], instance: User, update_fields: Any = None, raw: bool = False, **_: Any) -> None:
    instance._changed = set()  # type: ignore[attr-defined]  # carried to post_save of this very save
    if raw or instance._state.adding or (update_fields is not None and not set(_WATCHED) & set(update_fields)):
        return
    before = User.objects.filter(pk=instance.pk).values(*_WATCHED).first()
    if before:
        instance._changed = {name for name in _WATCHED if before[name] != getattr(instance, name)}  # type: ignore[attr-defined]


@receiver(post_save, sender=User)
def _end_what_must_end(sender: type[User], instance: User, **_: Any) -> None:
    changed: set[str] = getattr(instance, "_changed", set())
    if "password" in changed:
        user_sessions_end(user=instance, reason=Family.Reason.PASSWORD)
    elif "is_active" in changed and not instance.is_active:
        user_sessions_end(user=instance, reason=Family.Reason.USER_STATE)
    elif changed & {"is_staff", "is_superuser"}:
        _refuse_issued(instance)
    if changed:
        event_record(
            kind="account_changed",
            severity=SecurityEvent.Severity.MEDIUM,
            user=instance,
            detail={"changed": sorted(changed)},
        )


@receiver(m2m_changed, sender=User.groups.through)
def _groups_changed(sender: Any, instance: Any, action: str, reverse: bool, pk_set: Any = None, **_: Any) -> None:
    if action not in {"post_add", "post_remove", "pre_clear"}:
        return
    if isinstance(instance, User):
        _refuse_issued(instance)
    elif reverse:
        members = User.objects.filter(pk__in=pk_set) if pk_set else instance.user_set.all()
        for user in members:
            _refuse_issued(user)


def _refuse_issued(user: User) -> None:
    """Refuse the access tokens issued so far; the sessions go on and get the new scopes at their next refresh."""
    moment = now()
    User.objects.filter(pk=user.pk).update(epoch=Greatest(F("epoch"), int(moment.timestamp())) + 1)
    user.refresh_from_db(fields=["epoch"])
