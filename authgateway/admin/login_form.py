"""The console's login goes through the same checks as the API's: limits, password, second factor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from authgateway.caller import caller_of
from authgateway.exceptions import InvalidCredentials, OtpRequired, RateLimited
from authgateway.services.credentials import credentials_check


class ConsoleLoginForm(AuthenticationForm):
    otp = forms.CharField(
        label=_("Code of your authenticator app, if you have one"),
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "class": " ".join(BASE_INPUT_CLASSES)}),
    )

    def clean(self) -> Any:
        fields = self.cleaned_data
        if not (fields.get("username") and fields.get("password")):
            return fields
        try:
            proven = credentials_check(
                username=fields["username"],
                password=fields["password"],
                otp=fields.get("otp") or "",
                caller=caller_of(self.request),
            )
        except RateLimited as exc:
            raise ValidationError(_("Too many failed attempts; wait and try again."), code="rate_limited") from exc
        except OtpRequired as exc:
            raise ValidationError(_("Enter the code of your authenticator app, too."), code="otp_required") from exc
        except InvalidCredentials:
            raise self.get_invalid_login_error() from None
        self.user_cache = proven.user
        self.confirm_login_allowed(self.user_cache)
        return fields
