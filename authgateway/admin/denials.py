from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from altlas.kernel.clock import now
from altlas.kernel.rows import row_or_404
from authgateway.admin.read_only import ReadOnlyAdmin, actor_of
from authgateway.models import Denial
from authgateway.services.denials import denial_lift


@admin.register(Denial)
class DenialAdmin(ReadOnlyAdmin):
    list_display = ("value", "kind", "user", "reason", "created_at", "expires_at", "state")
    list_filter = ("kind", "reason", "created_at")
    search_fields = ("user__username", "=value")
    list_select_related = ("user",)
    actions_row = ("lift",)
    actions_detail = ("lift",)

    @display(description=_("state"), label={"refuses": "danger", "expired": "info"})
    def state(self, denial: Denial) -> str:
        return "refuses" if denial.expires_at > now() else "expired"

    @action(
        description=_("Lift"),
        icon="lock_open",
        permissions=["verb"],
        dialog={
            "title": _("Lift this entry?"),
            "description": _("The access tokens it refuses pass again until they expire."),
            "form_submit_text": _("Lift"),
        },
    )
    def lift(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        denial_lift(denial=row_or_404(Denial.objects.all(), object_id), actor=actor_of(request))
        self.message_user(request, _("The entry was lifted."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:authgateway_denial_changelist"))
