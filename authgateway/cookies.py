"""Cookie mode for browsers, and the device cookie.

The refresh token lives where no script can read it. Cookies come along with requests of other sites too, so every use
must also carry a token that only our own pages can know: a MAC of the device cookie, in a header. ``__Host-`` cookies
cannot be set by a neighbouring subdomain (RFC 6265bis, section 4.1.3).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from authgateway import binding
from authgateway.conf import conf
from authgateway.exceptions import CsrfFailed, RefreshInvalid
from authgateway.keys import kek

REFRESH = "__Host-altlas-refresh"
DEVICE = "__Host-altlas-device"
CSRF = "__Host-altlas-csrf"
CSRF_HEADER = "X-CSRF-Token"


def read(request: HttpRequest, name: str) -> str:
    """Return a cookie's value, empty when there is none.

    Raises:
        RefreshInvalid: it came twice: one of the two is somebody else's.
    """
    sent = [part.partition("=")[0].strip() for part in request.META.get("HTTP_COOKIE", "").split(";")]
    if sent.count(name) > 1:
        raise RefreshInvalid("A cookie of the session came twice.")
    return request.COOKIES.get(name, "")


def csrf_token(device: str) -> str:
    """Return the header's value that goes with this device cookie."""
    key = kek.keks()[0].derive(b"csrf")
    return base64.urlsafe_b64encode(hmac.new(key, device.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()


def check_csrf(request: HttpRequest) -> None:
    """Let pass what our own pages sent.

    Raises:
        CsrfFailed: anything else.
    """
    origin = request.headers.get("Origin")
    if origin is not None and not _is_ours(origin, request):
        raise CsrfFailed
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "same-site", "none"}:
        raise CsrfFailed
    if (request.content_type or "application/json") != "application/json":
        raise CsrfFailed  # what a form of another site could send
    device, given = read(request, DEVICE), request.headers.get(CSRF_HEADER, "")
    if not binding.is_device(device) or not _is_known(given, device):
        raise CsrfFailed


def _is_known(given: str, device: str) -> bool:
    for key in kek.keks():
        mac = hmac.new(key.derive(b"csrf"), device.encode(), hashlib.sha256).digest()
        expected = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
        if hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
            return True
    return False


def _is_ours(origin: str, request: HttpRequest) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    return parts.scheme == request.scheme and parts.netloc == request.get_host()


def set_session(response: HttpResponseBase, *, refresh: str, device: str) -> None:
    _set(response, REFRESH, refresh)
    set_device(response, device)


def set_device(response: HttpResponseBase, device: str) -> None:
    _set(response, DEVICE, device)
    # For scripts of our own pages after a reload; worthless without the other two.
    _set(response, CSRF, csrf_token(device), httponly=False)


def forget(response: HttpResponseBase) -> None:
    for name in (REFRESH, DEVICE, CSRF):
        response.set_cookie(name, "", max_age=0, secure=True, httponly=True, samesite="Strict", path="/")


def _set(response: HttpResponseBase, name: str, value: str, *, httponly: bool = True) -> None:
    response.set_cookie(
        name,
        value,
        max_age=conf.refresh_absolute_seconds,
        secure=True,
        httponly=httponly,
        samesite="Strict",
        path="/",
    )
