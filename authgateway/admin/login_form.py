"""The console's login goes through the same admission as the API's."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm

from authgateway.caller import caller_of
from authgateway.exceptions import RateLimited
from authgateway.services.throttling import login_admit, login_succeeded


class ConsoleLoginForm(AuthenticationForm):
    def clean(self) -> Any:
        username = self.cleaned_data.get("username") or ""
        caller = caller_of(self.request)
        try:
            counted = login_admit(username=username, caller=caller)
        except RateLimited as exc:
            raise ValidationError(_("Too many failed attempts; wait and try again."), code="rate_limited") from exc
        cleaned = super().clean()
        login_succeeded(counted=counted)
        return cleaned
