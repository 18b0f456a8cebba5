"""The product's settings plus simplejwt as its documentation sets it up, on the same key size and database."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import altlas.settings as product

globals().update({name: value for name, value in vars(product).items() if name.isupper()})
ROOT_URLCONF = "benchmarks.auth_stock.urls"
INSTALLED_APPS = [*product.INSTALLED_APPS, "rest_framework_simplejwt", "rest_framework_simplejwt.token_blacklist"]
ALLOWED_HOSTS = ["*"]
DATABASES = product.DATABASES
DATABASES["default"]["OPTIONS"]["pool"].update({"max_size": 60, "max_waiting": 200, "timeout": 30})
_key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
SIMPLE_JWT = {
    "ALGORITHM": "RS256",
    "SIGNING_KEY": _key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode(),
    "VERIFYING_KEY": _key.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "CHECK_REVOKE_TOKEN": True,
}
LOGGING = {"version": 1, "disable_existing_loggers": True, "root": {"handlers": [], "level": "CRITICAL"}}
