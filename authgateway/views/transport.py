"""How tokens travel: in bodies or in cookies, with or without a proof of a key."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from authgateway import cookies
from authgateway.authentication import target_of
from authgateway.binding import Binding, is_device
from authgateway.caller import caller_of
from authgateway.serializers import StrictSerializer, TokenPairSerializer
from authgateway.services.issuing import TokenPair
from authgateway.services.login import Wanted
from authgateway.services.proofs import proof_take


def answered(pair: TokenPair, *, by_cookie: bool = False, device: str = "") -> Response:
    """Return the answer that hands over ``pair``; ``device`` is the cookie that the browser has already."""
    body = TokenPairSerializer(pair).data
    device = pair.device or device
    if not by_cookie:
        answer = Response(body)
        if device:
            cookies.set_device(answer, device)
        return answer
    del body["refresh"]
    answer = Response({**body, "csrf": cookies.csrf_token(device)})
    cookies.set_session(answer, refresh=pair.refresh, device=device)
    return answer


def refresh_token_of(request: Request, serializer: type[StrictSerializer]) -> tuple[str, bool]:
    """Return the refresh token of a request, empty when there is none, and whether it came as a cookie.

    Raises:
        CsrfFailed: as a cookie, without what only our own pages know.
    """
    cookie = cookies.read(request, cookies.REFRESH)
    if cookie and request.content_type not in {"application/json", ""}:
        cookies.check_csrf(request)
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    token: str = body.validated_data["refresh"]
    if token or not cookie:
        return token, False
    cookies.check_csrf(request)
    return cookie, True


def wanted_of(request: Request, *, device_cookie: bool) -> Wanted:
    """Return what a new session is to be bound to."""
    return Wanted(device_cookie=device_cookie, device=cookies.read(request, cookies.DEVICE), jkt=_jkt(request))


def binding_of(request: Request) -> Binding:
    """Return what came along with a refresh token."""
    device = cookies.read(request, cookies.DEVICE)
    return Binding(device=device if is_device(device) else "", jkt=_jkt(request))


def _jkt(request: Request) -> str:
    if "Authorization" in request.headers:
        return ""  # the proof went with the access token
    proof = request.headers.get("DPoP")
    return "" if proof is None else proof_take(text=proof, target=target_of(request), caller=caller_of(request))
