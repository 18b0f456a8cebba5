from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from altlas.kernel.rows import row_or_404
from authgateway.admin.read_only import ReadOnlyAdmin, actor_of
from authgateway.models import LockedAccount, User
from authgateway.selectors import locked_accounts
from authgateway.services.throttling import account_unlock


@admin.register(LockedAccount)
class LockedAccountAdmin(ReadOnlyAdmin):
    list_display = ("username", "email", "is_active", "refused_at", "refusals")
    search_fields = ("username", "email")
    fields = ("username", "email", "is_active", "is_staff", "last_login")
    readonly_fields = fields
    actions_row = ("unlock",)
    actions_detail = ("unlock",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LockedAccount]:
        return locked_accounts()

    @display(description=_("last refused"), ordering="refused_at")
    def refused_at(self, account: Any) -> Any:
        return account.refused_at

    @display(description=_("refused logins"), ordering="refusals")
    def refusals(self, account: Any) -> Any:
        return account.refusals

    @action(
        description=_("Unlock"),
        icon="lock_open",
        permissions=["verb"],
        dialog={
            "title": _("Unlock this account?"),
            "description": _("Its failed logins are forgotten; the next login is admitted from anywhere."),
            "form_submit_text": _("Unlock"),
        },
    )
    def unlock(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        account_unlock(user=row_or_404(User.objects.all(), object_id), actor=actor_of(request))
        self.message_user(request, _("The account was unlocked."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:authgateway_lockedaccount_changelist"))
