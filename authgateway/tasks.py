"""Periodic work; schedules are rows that operators may edit (services/provisioning.py)."""

from __future__ import annotations

import logging

from celery import shared_task

from authgateway.services.alerts import alerts_send
from authgateway.services.notices import notice_send
from authgateway.services.purge import purge
from authgateway.services.signing_keys import signing_keys_tend

logger = logging.getLogger(__name__)


@shared_task(name="authgateway.keys_tend", soft_time_limit=60, time_limit=90)
def keys_tend() -> None:
    """Rotate by age, retire what has no live token, keep one key pending. Repeating it does no harm."""
    for done in signing_keys_tend():
        logger.info("signing keys: %s", done)


@shared_task(name="authgateway.purge", soft_time_limit=600, time_limit=900)
def purge_expired() -> None:
    """Delete expired rows. Repeating it does no harm."""
    logger.info("purged %s", purge())


@shared_task(name="authgateway.notice", soft_time_limit=60, time_limit=90, autoretry_for=(OSError,), retry_backoff=True)
def notice(user_id: str, what: str, address: str) -> None:
    """Tell an owner by mail what happened to the account; tried again while the mail server is away."""
    notice_send(user_id=user_id, what=what, address=address)


@shared_task(name="authgateway.alert", soft_time_limit=60, time_limit=90)
def alert() -> None:
    """Tell operators of serious events that they have not been told of. Repeating it does no harm."""
    alerts_send()
