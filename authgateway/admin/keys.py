from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from altlas.kernel.errors import Conflict
from altlas.kernel.rows import row_or_404
from authgateway.admin.read_only import ReadOnlyAdmin, actor_of
from authgateway.models import SigningKey
from authgateway.services.signing_keys import signing_key_kill, signing_keys_rotate

_LIST = "admin:authgateway_signingkey_changelist"


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ("kid", "shown_state", "bits", "created_at", "activated_at", "retiring_at", "retired_at")
    list_filter = ("state",)
    search_fields = ("=kid",)
    fields = ("kid", "state", "bits", "public_pem", "created_at", "activated_at", "retiring_at", "retired_at")
    readonly_fields = fields  # the private half is not shown, sealed or not
    actions_list = ("rotate",)
    actions_row = ("kill",)
    actions_detail = ("kill",)

    @display(
        description=_("state"),
        ordering="state",
        label={
            "active": "success",
            "pending": "info",
            "retiring": "warning",
            "retired": "default",
            "compromised": "danger",
        },
    )
    def shown_state(self, key: SigningKey) -> str:
        return key.state

    @action(
        description=_("Rotate"),
        icon="autorenew",
        permissions=["verb"],
        dialog={
            "title": _("Rotate the signing key?"),
            "description": _("The pending key signs from now on; the present one verifies until its tokens expire."),
            "form_submit_text": _("Rotate"),
        },
    )
    def rotate(self, request: HttpRequest, form: Any) -> HttpResponseRedirect:
        key = signing_keys_rotate(actor=actor_of(request))
        self.message_user(request, _("%(kid)s signs now.") % {"kid": key.kid}, messages.SUCCESS)
        return HttpResponseRedirect(reverse(_LIST))

    @action(
        description=_("Kill"),
        icon="dangerous",
        permissions=["verb"],
        dialog={
            "title": _("Is this key compromised?"),
            "description": _("Every token it has signed is refused within seconds, everywhere. This cannot be undone."),
            "form_submit_text": _("Kill the key"),
        },
    )
    def kill(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        key = row_or_404(SigningKey.objects.all(), object_id)
        try:
            signing_key_kill(kid=key.kid, actor=actor_of(request), reason="admin")
        except Conflict as exc:
            self.message_user(request, exc.detail, messages.ERROR)
        else:
            self.message_user(request, _("The key is refused from now on."), messages.SUCCESS)
        return HttpResponseRedirect(reverse(_LIST))
