"""The language of a person in the console: their own choice, else what the browser asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from altlas.kernel import log_context
from altlas.kernel.models import Preference

_SESSION = "altlas_language"


class PreferredLanguageMiddleware:
    """After the session's user is known: their choice wins over ``Accept-Language``. Kept in the session, so that a
    page costs no query for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        if user_id := request.session.get(SESSION_KEY):
            log_context.note(user=user_id)
        chosen = request.session.get(_SESSION)
        if chosen not in dict(settings.LANGUAGES):
            return self.get_response(request)
        with translation.override(chosen):
            request.LANGUAGE_CODE = chosen
            response = self.get_response(request)
        response.headers["Content-Language"] = chosen
        return response


@require_POST
@staff_member_required
def choose(request: HttpRequest) -> HttpResponseRedirect:
    """Keep the language of the form for this account, on every device from its next login on."""
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES) and request.user.pk is not None:
        Preference.objects.update_or_create(user_id=request.user.pk, defaults={"language": language})
        request.session[_SESSION] = language
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if safe and target else reverse("admin:index"))


def remember(sender: Any, request: HttpRequest | None, user: Any, **_: Any) -> None:
    if request is None or not hasattr(request, "session") or user.pk is None:
        return
    language = Preference.objects.filter(user_id=user.pk).values_list("language", flat=True).first()
    if language:
        request.session[_SESSION] = language


def install() -> None:
    user_logged_in.connect(remember, dispatch_uid="altlas.language")


def language_of(user_id: Any) -> str:
    """Return the language to write to an account in."""
    found = Preference.objects.filter(user_id=user_id).values_list("language", flat=True).first()
    return found or settings.LANGUAGE_CODE
