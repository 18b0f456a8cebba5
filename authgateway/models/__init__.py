from authgateway.models.api_token import ApiToken
from authgateway.models.attempts import Attempts
from authgateway.models.denial import Denial
from authgateway.models.family import Family
from authgateway.models.refresh_token import RefreshToken
from authgateway.models.security_event import SecurityEvent
from authgateway.models.service_client import ServiceClient
from authgateway.models.signing_key import SigningKey
from authgateway.models.totp import RecoveryCode, TotpDevice
from authgateway.models.user import LockedAccount, User

__all__ = [
    "ApiToken",
    "Attempts",
    "Denial",
    "Family",
    "LockedAccount",
    "RecoveryCode",
    "RefreshToken",
    "SecurityEvent",
    "ServiceClient",
    "SigningKey",
    "TotpDevice",
    "User",
]
