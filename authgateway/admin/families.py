from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from altlas.kernel.clock import now
from altlas.kernel.rows import row_or_404
from authgateway.admin.read_only import ReadOnlyAdmin, ReadOnlyInline, actor_of
from authgateway.models import Family, RefreshToken
from authgateway.services.sessions import sessions_revoke


def masked(token: RefreshToken) -> str:
    """Enough of the hash to tell rows apart, and nothing of the token: it is not known here."""
    return f"{bytes(token.token_hash).hex()[:8]}…"


class TokenInline(ReadOnlyInline):
    model = RefreshToken
    fields = ("generation", "hash", "created_at", "expires_at", "used_at", "address")
    readonly_fields = fields
    ordering = ("-generation",)
    per_page = 20
    verbose_name_plural = _("refresh tokens (by hash)")

    @display(description=_("hash"))
    def hash(self, token: RefreshToken) -> str:
        return masked(token)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("live", _("live")), ("revoked", _("revoked")), ("expired", _("expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Family]) -> QuerySet[Family]:
        if self.value() == "live":
            return queryset.filter(revoked_at__isnull=True, absolute_expires_at__gt=now())
        if self.value() == "revoked":
            return queryset.filter(revoked_at__isnull=False)
        if self.value() == "expired":
            return queryset.filter(revoked_at__isnull=True, absolute_expires_at__lte=now())
        return queryset


@admin.register(Family)
class FamilyAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "state", "device", "address", "created_at", "rotations", "absolute_expires_at")
    list_filter = (StateFilter, "revoked_reason", "created_at")
    search_fields = ("user__username", "=id", "device_name")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    inlines = (TokenInline,)
    exclude = ("device_hash", "jkt")
    actions = ("revoke_selected",)
    actions_row = ("revoke",)
    actions_detail = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Family]:
        found: QuerySet[Family] = super().get_queryset(request)
        return found.annotate(token_count=Count("tokens"))

    @display(description=_("state"), label={"live": "success", "revoked": "danger", "expired": "warning"})
    def state(self, family: Family) -> str:
        if family.revoked_at is not None:
            return "revoked"
        return "live" if family.absolute_expires_at > now() else "expired"

    @display(description=_("device"))
    def device(self, family: Family) -> str:
        return family.device_name or family.user_agent[:60]

    @display(description=_("rotations"), ordering=F("token_count"))
    def rotations(self, family: Any) -> int:
        return max(0, int(family.token_count) - 1)

    @action(
        description=_("End session"),
        icon="logout",
        permissions=["verb"],
        dialog={
            "title": _("End this session?"),
            "description": _("Its access and refresh tokens are refused at once. This cannot be undone."),
            "form_submit_text": _("End session"),
        },
    )
    def revoke(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        family = row_or_404(Family.objects.all(), object_id)
        self._revoke(request, Family.objects.filter(pk=family.pk))
        return HttpResponseRedirect(reverse("admin:authgateway_family_change", args=[object_id]))

    @admin.action(description=_("End the selected sessions"), permissions=["verb"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Family]) -> None:
        self._revoke(request, Family.objects.filter(pk__in=queryset.values("pk")))

    def _revoke(self, request: HttpRequest, families: QuerySet[Family]) -> None:
        ended = len(sessions_revoke(families=families, reason=Family.Reason.OPERATOR, actor=actor_of(request)))
        text = ngettext("%d session was ended.", "%d sessions were ended.", ended) % ended
        self.message_user(request, text, messages.SUCCESS)


@admin.register(RefreshToken)
class RefreshTokenAdmin(ReadOnlyAdmin):
    list_display = ("hash", "owner", "family", "generation", "state", "address", "created_at", "expires_at", "used_at")
    list_filter = (("used_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("family__user__username", "=family__id")  # never by token or hash
    list_select_related = ("family__user",)
    fields = ("hash", "owner", "family", "generation", "created_at", "expires_at", "used_at", "address")
    readonly_fields = fields

    @display(description=_("hash"))
    def hash(self, token: RefreshToken) -> str:
        return masked(token)

    @display(description=_("user"), ordering="family__user__username")
    def owner(self, token: RefreshToken) -> str:
        return token.family.user.get_username()

    @display(
        description=_("state"),
        label={"live": "success", "used": "info", "revoked": "danger", "expired": "warning"},
    )
    def state(self, token: RefreshToken) -> str:
        if token.family.revoked_at is not None:
            return "revoked"
        if token.used_at is not None:
            return "used"
        return "live" if token.expires_at > now() else "expired"
