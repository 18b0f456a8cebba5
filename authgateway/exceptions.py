"""Errors of the auth gateway.

NotAuthenticated
├── TokenInvalid          token_invalid         access token refused; the reason goes to the log, not the client
│   ├── TokenExpired      token_expired
│   └── TokenWrongType    token_wrong_type
├── InvalidCredentials    invalid_credentials   login refused, whatever the reason
├── RefreshInvalid        refresh_invalid       unknown refresh token
├── RefreshReused         refresh_reused        used before: the session was ended
├── SessionRevoked        session_revoked
├── SessionExpired        session_expired
├── StepUpRequired        step_up_required      the login is too old for this
├── OtpRequired           otp_required          the password is right, the second factor is missing
├── ProofInvalid          invalid_dpop_proof
└── ClientInvalid         invalid_client
PermissionDenied
└── CsrfFailed            csrf_failed
Conflict
└── RefreshInProgress     refresh_in_progress
Unavailable
├── RevocationUnavailable revocation_unavailable
└── SigningUnavailable    signing_unavailable
"""

from __future__ import annotations

from typing import ClassVar

from altlas.kernel import errors


class TokenInvalid(errors.NotAuthenticated):
    """The access token is refused. ``reason`` is for security events only."""

    code = "token_invalid"
    title = "Token invalid"
    challenge: ClassVar[str] = 'error="invalid_token"'

    def __init__(self, reason: str = "", *, severity: str = "") -> None:
        super().__init__("The access token is not valid.")
        self.reason = reason
        self.severity = severity


class TokenExpired(TokenInvalid):
    code = "token_expired"
    title = "Token expired"


class TokenWrongType(TokenInvalid):
    code = "token_wrong_type"
    title = "Wrong type of token"


class InvalidCredentials(errors.NotAuthenticated):
    code = "invalid_credentials"
    title = "Invalid credentials"


class RefreshInvalid(errors.NotAuthenticated):
    code = "token_invalid"
    title = "Token invalid"
    challenge: ClassVar[str] = 'error="invalid_token"'


class RefreshReused(RefreshInvalid):
    code = "refresh_reused"
    title = "Refresh token used before"


class SessionRevoked(RefreshInvalid):
    code = "session_revoked"
    title = "Session revoked"


class SessionExpired(RefreshInvalid):
    code = "session_expired"
    title = "Session expired"


class StepUpRequired(errors.NotAuthenticated):
    """Raised where a fresh login is demanded (RFC 9470); ``max_age`` in seconds goes to the challenge."""

    code = "step_up_required"
    title = "Log in again"

    def __init__(self, *, max_age: int) -> None:
        super().__init__(f"This needs a login not older than {max_age} seconds; log in again.")
        self.challenge = f'error="insufficient_user_authentication", max_age={max_age}'


class RefreshInProgress(errors.Conflict):
    code = "refresh_in_progress"
    title = "Refresh in progress"

    def __init__(self) -> None:
        super().__init__("This refresh token was used a moment ago by another request.", retry_after=1)


class RateLimited(errors.TooManyRequests):
    code = "rate_limited"
    title = "Too many attempts"


class PasswordRefused(errors.InvalidInput):
    code = "password_refused"
    title = "Password refused"


class RevocationUnavailable(errors.Unavailable):
    code = "revocation_unavailable"
    title = "Revocation state unavailable"


class SigningUnavailable(errors.Unavailable):
    code = "signing_unavailable"
    title = "Signing key unavailable"


class OtpRequired(errors.NotAuthenticated):
    code = "otp_required"
    title = "Second factor required"


class ProofInvalid(errors.NotAuthenticated):
    """A DPoP proof is missing, malformed, used before or made with another key (RFC 9449)."""

    code = "invalid_dpop_proof"
    title = "Invalid DPoP proof"
    challenge: ClassVar[str] = 'error="invalid_dpop_proof"'

    def __init__(self, reason: str = "") -> None:
        super().__init__("The DPoP proof is missing or not valid for this request.")
        self.reason = reason


class ClientInvalid(errors.NotAuthenticated):
    code = "invalid_client"
    title = "Invalid client"


class CsrfFailed(errors.PermissionDenied):
    code = "csrf_failed"
    title = "Cross-site request refused"

    def __init__(self) -> None:
        super().__init__("Cookies alone do not prove that this site asks; send the X-CSRF-Token of your login.")
