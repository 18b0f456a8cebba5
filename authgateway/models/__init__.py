from authgateway.models.attempts import Attempts
from authgateway.models.denial import Denial
from authgateway.models.family import Family
from authgateway.models.refresh_token import RefreshToken
from authgateway.models.security_event import SecurityEvent
from authgateway.models.signing_key import SigningKey
from authgateway.models.user import User

__all__ = ["Attempts", "Denial", "Family", "RefreshToken", "SecurityEvent", "SigningKey", "User"]
