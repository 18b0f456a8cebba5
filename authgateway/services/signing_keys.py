"""The life of signing keys: pending, active, retiring, retired; or compromised, at once."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction

from altlas.kernel.clock import now
from altlas.kernel.errors import Conflict
from authgateway.conf import conf
from authgateway.keys import kek, ring, rsa_key
from authgateway.models import SecurityEvent, SigningKey, User
from authgateway.services.security_events import event_record

State = SigningKey.State
_ADVISORY_LOCK = 0x616C746B  # "altk": one process at a time changes the ring


def _exclusively() -> None:
    with connection.cursor() as cursor:
        # Whoever holds it may be making a key, which takes a slow machine longer than a row's lock may last.
        cursor.execute("SET LOCAL lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])


def signing_keys_ensure() -> None:
    """Make an active key when there is none; cheap otherwise, and safe from several processes at once."""
    if ring.current().active_kid:
        return
    with transaction.atomic():
        _exclusively()
        if not SigningKey.objects.filter(state=State.ACTIVE).exists():
            waiting = SigningKey.objects.filter(state=State.PENDING).order_by("created_at").first()
            _activate(waiting or _create())
    ring.reset()


def signing_keys_rotate(*, actor: User | None = None) -> SigningKey:
    """Let the pending key sign from now on; the former one verifies until its last token has expired.

    The next pending key is published in the same step, a full period before it signs.
    """
    with transaction.atomic():
        _exclusively()
        successor = SigningKey.objects.filter(state=State.PENDING).order_by("created_at").first() or _create()
        former = SigningKey.objects.filter(state=State.ACTIVE).first()
        if former is not None:
            _leave(former, State.RETIRING)
        _activate(successor)
        _create()
        event_record(
            kind="key_rotated",
            severity=SecurityEvent.Severity.INFO,
            actor=actor,
            detail={"kid": successor.kid, "former": former.kid if former else None},
        )
    ring.reset()
    return successor


def signing_key_kill(*, kid: str, actor: User | None = None, reason: str = "") -> SigningKey:
    """Refuse a compromised key: out of the ring of every process within ``conf.key_ring_seconds``.

    Raises:
        SigningKey.DoesNotExist: no such key.
        Conflict: it is marked already.
    """
    with transaction.atomic():
        _exclusively()
        key = SigningKey.objects.get(kid=kid)
        was_active = key.state == State.ACTIVE
        _leave(key, State.COMPROMISED)
        if was_active:
            _activate(SigningKey.objects.filter(state=State.PENDING).order_by("created_at").first() or _create())
        if not SigningKey.objects.filter(state=State.PENDING).exists():
            _create()
        event_record(
            kind="key_killed",
            severity=SecurityEvent.Severity.HIGH,
            actor=actor,
            detail={"kid": kid, "reason": reason[:200]},
        )
    ring.reset()
    return key


def signing_keys_tend() -> list[str]:
    """Do what is due: rotate by age, retire what can have no live token, keep one key pending; tell what was done."""
    done: list[str] = []
    signing_keys_ensure()
    active = SigningKey.objects.filter(state=State.ACTIVE).first()
    if active and active.activated_at and now() - active.activated_at > timedelta(seconds=conf.key_active_seconds):
        done.append(f"rotated to {signing_keys_rotate().kid}")
    with transaction.atomic():
        _exclusively()
        if not SigningKey.objects.filter(state=State.PENDING).exists():
            done.append(f"published {_create().kid}")
        overlap = timedelta(seconds=conf.access_seconds + conf.clock_skew + conf.jwks_max_age)
        for key in SigningKey.objects.filter(state=State.RETIRING, retiring_at__lt=now() - overlap):
            _leave(key, State.RETIRED)
            done.append(f"retired {key.kid}")
    ring.reset()
    return done


def _create() -> SigningKey:
    private = rsa_key.generate()
    # A command takes an argument that begins with a dash for an option: who kills a key shall not have to know that.
    while (kid := rsa_key.thumbprint(private.public_key())).startswith("-"):
        private = rsa_key.generate()
    sealed, kek_id = kek.seal(rsa_key.private_der(private), context=kid)
    return SigningKey.objects.create(
        kid=kid,
        state=State.PENDING,
        public_pem=rsa_key.public_pem(private.public_key()),
        private_sealed=sealed,
        kek_id=kek_id,
        bits=private.key_size,
    )


def _activate(key: SigningKey) -> None:
    _move(key, State.ACTIVE)
    key.activated_at = now()
    key.save()


def _leave(key: SigningKey, state: State) -> None:
    _move(key, state)
    key.private_sealed = None
    key.kek_id = ""
    if state == State.RETIRING:
        key.retiring_at = now()
    else:
        key.retired_at = now()
    key.save()


def _move(key: SigningKey, state: State) -> None:
    if state not in SigningKey.TRANSITIONS[State(key.state)]:
        raise Conflict(f"A {key.state} key cannot become {state}.")
    key.state = state
