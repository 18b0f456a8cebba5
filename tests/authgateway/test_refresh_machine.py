"""A state machine over everything that happens to sessions: never two live leaves, never life after a revoke.

The model keeps, per session, the chain of refresh tokens as the client saw them; what the gateway answers must follow
from it. A crash is a transaction that dies after the verdict and before its commit, or an answer that is lost.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from altlas.kernel.errors import AltlasError
from authgateway.authentication import authenticate_token, verify
from authgateway.caller import Caller
from authgateway.exceptions import RefreshReused, SessionRevoked, TokenInvalid
from authgateway.keys import ring, rsa_key
from authgateway.models import Denial, Family, RefreshToken, User
from authgateway.services import rotation
from authgateway.services.login import login
from authgateway.services.passwords import password_change
from authgateway.services.revocation import logout
from authgateway.services.rotation import refresh_rotate
from authgateway.services.sessions import Reason, user_sessions_end
from authgateway.services.signing_keys import signing_key_kill, signing_keys_rotate
from authgateway.testing import PASSWORD, make_user

HERE = Caller(address="192.0.2.1")


class Crash(Exception):
    """The process dies here."""


@dataclass
class Session:
    """What a client knows of one session: its refresh tokens in order, its access tokens, and whether it is over."""

    chain: list[str]
    accesses: list[str]
    is_over: bool = False
    killed_kids: set[str] = field(default_factory=set)

    @property
    def sid(self) -> str:
        return str(RefreshToken.objects.get(token_hash=rotation.refresh.digest(self.chain[0])).family_id)


class Sessions(RuleBasedStateMachine):
    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        # As Django's own test cases mark theirs: services may open durable transactions inside.
        self.atomic = transaction.atomic()
        self.atomic._from_testcase = True
        self.atomic.__enter__()
        ring.reset()
        self.user: User = make_user("machine")
        self.password = PASSWORD
        self.known: list[Session] = []
        self.dead_kids: set[str] = set()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        ring.reset()

    @rule(target=sessions)
    def log_in(self) -> Session:
        pair = login(username="machine", password=self.password, caller=HERE)
        session = Session(chain=[pair.refresh], accesses=[pair.access])
        self.known.append(session)
        return session

    @rule(session=sessions)
    def rotate(self, session: Session) -> None:
        try:
            pair = refresh_rotate(token=session.chain[-1], caller=HERE)
        except SessionRevoked:
            assert session.is_over
        else:
            assert not session.is_over
            assert pair.refresh not in session.chain
            session.chain.append(pair.refresh)
            session.accesses.append(pair.access)

    @rule(session=sessions)
    def retry(self, session: Session) -> None:
        """The answer was lost: the token before the newest is sent again, and the newest was never used."""
        if len(session.chain) < 2:
            return
        try:
            pair = refresh_rotate(token=session.chain[-2], caller=HERE)
        except SessionRevoked:
            assert session.is_over
        else:
            assert not session.is_over
            assert pair.refresh == session.chain[-1]
            session.accesses.append(pair.access)

    @rule(session=sessions, back=st.integers(3, 6))
    def replay(self, session: Session, back: int) -> None:
        """A thief sends an older one."""
        if len(session.chain) < back:
            return
        with pytest.raises((RefreshReused, SessionRevoked)):
            refresh_rotate(token=session.chain[-back], caller=Caller(address="203.0.113.1"))
        session.is_over = True

    @rule(session=sessions, at=st.sampled_from(["create", "claims_for"]))
    def crash(self, session: Session, at: str) -> None:
        """The process dies inside the rotation's transaction: nothing has happened."""
        owner: Any = RefreshToken.objects if at == "create" else rotation.issuing
        before = RefreshToken.objects.count()
        with mock.patch.object(owner, at, side_effect=Crash), contextlib.suppress(Crash, AltlasError):
            refresh_rotate(token=session.chain[-1], caller=HERE)
        assert RefreshToken.objects.count() == before

    @rule(session=sessions)
    def crash_while_signing(self, session: Session) -> None:
        """Committed, but the client hears nothing; its retry gets the successor."""
        with mock.patch.object(rotation.issuing, "sign", side_effect=Crash):
            try:
                refresh_rotate(token=session.chain[-1], caller=HERE)
            except Crash:
                assert not session.is_over
            except SessionRevoked:
                assert session.is_over
                return
        pair = refresh_rotate(token=session.chain[-1], caller=HERE)
        session.chain.append(pair.refresh)
        session.accesses.append(pair.access)

    @rule(session=sessions)
    def log_out(self, session: Session) -> None:
        logout(claims=None, token=session.chain[-1])
        session.is_over = True

    @rule(session=consumes(sessions))
    def forget(self, session: Session) -> None:
        """The client throws its tokens away; the gateway keeps the session."""

    @rule()
    def log_out_everywhere(self) -> None:
        user_sessions_end(user=self.user, reason=Reason.LOGOUT_ALL)
        self._all_over()

    @rule(target=sessions)
    def change_password(self) -> Session:
        self.user.refresh_from_db()
        fresh = self.password + "x"
        pair = password_change(user=self.user, current=self.password, new=fresh, caller=HERE)
        self.password = fresh
        self._all_over()
        session = Session(chain=[pair.refresh], accesses=[pair.access])
        self.known.append(session)
        return session

    @rule()
    def rotate_keys(self) -> None:
        signing_keys_rotate()

    @rule()
    def kill_the_key(self) -> None:
        kid = ring.signer().kid
        signing_key_kill(kid=kid)
        self.dead_kids.add(kid)

    def _all_over(self) -> None:
        for session in self.known:
            session.is_over = True

    @invariant()
    def no_family_has_two_live_leaves(self) -> None:
        for family in Family.objects.all():
            leaves = RefreshToken.objects.filter(family=family, used_at__isnull=True).count()
            assert leaves == 1, leaves

    @invariant()
    def what_is_over_stays_over(self) -> None:
        for session in self.known:
            family = Family.objects.get(tokens__token_hash=rotation.refresh.digest(session.chain[0]))
            assert (family.revoked_at is not None) is session.is_over
            if session.is_over:
                assert Denial.objects.filter(kind="sid", value=str(family.pk)).exists()

    @invariant()
    def access_tokens_live_exactly_as_long_as_their_sessions(self) -> None:
        for session in self.known:
            token = session.accesses[-1]
            try:
                verify(token)
                killed = False
            except TokenInvalid:
                killed = True
            try:
                authenticate_token(token)
                alive = True
            except TokenInvalid:
                alive = False
            assert not (alive and session.is_over)
            assert alive or session.is_over or killed


@pytest.mark.slow
@pytest.mark.django_db
def test_sessions_hold_under_any_sequence_of_events(monkeypatch) -> None:
    from authgateway.conf import conf

    monkeypatch.setattr(rsa_key, "BITS", 2048)  # made by the dozen here
    monkeypatch.setattr(conf, "key_ring_seconds", 0.0)  # many processes' rings, all as fresh as they can be
    monkeypatch.setattr(conf, "sessions_per_user", 1000)
    monkeypatch.setattr(conf, "grace_seconds", 3600.0)  # a retry comes after keys were made, which take their time
    run_state_machine_as_test(
        Sessions,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],  # a failure is short enough to read; shrinking it takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
