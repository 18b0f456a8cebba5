from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from altlas.kernel.clock import now
from altlas.kernel.errors import AltlasError
from altlas.kernel.rows import row_or_404
from authgateway import scopes
from authgateway.admin.read_only import ReadOnlyAdmin, actor_of
from authgateway.models import ApiToken, ServiceClient
from authgateway.services.machines import (
    api_token_revoke,
    service_client_create,
    service_client_renew,
    service_client_revoke,
)

_STATES = {"live": "success", "revoked": "danger", "expired": "warning"}


def _state(row: ServiceClient | ApiToken) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now() else "live"


class NewClientForm(BaseDialogForm):
    name = forms.CharField(label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget)
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(name, f"{name}: {text}") for name, text in scopes.DESCRIPTIONS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    expires_at = forms.SplitDateTimeField(
        label=_("Expires"), required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text=_("Empty: never.")
    )


@admin.register(ServiceClient)
class ServiceClientAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "state", "shown_scopes", "expires_at", "last_used_at", "last_address")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("name", "=id")
    exclude = ("secret_hash",)
    actions_list = ("create",)
    actions_row = ("renew", "revoke")
    actions_detail = ("renew", "revoke")

    @display(description=_("state"), label=_STATES)
    def state(self, client: ServiceClient) -> str:
        return _state(client)

    @display(description=_("scopes"))
    def shown_scopes(self, client: ServiceClient) -> str:
        return " ".join(client.scopes)

    @action(
        description=_("New service client"),
        icon="add",
        permissions=["verb"],
        dialog={
            "title": _("A new service client"),
            "description": _("The secret is shown once, on the next page."),
            "form_class": NewClientForm,
            "form_submit_text": _("Make it"),
        },
    )
    def create(self, request: HttpRequest, form: Any) -> HttpResponseRedirect:
        fields = form.cleaned_data
        try:
            client, secret = service_client_create(
                name=fields["name"],
                scopes=frozenset(fields["scopes"]),
                expires_at=fields["expires_at"],
                actor=actor_of(request),
            )
        except AltlasError as exc:
            self.message_user(request, exc.detail, messages.ERROR)
        else:
            self._show_once(request, client, secret)
        return HttpResponseRedirect(reverse("admin:authgateway_serviceclient_changelist"))

    @action(
        description=_("New secret"),
        icon="key",
        permissions=["verb"],
        dialog={
            "title": _("Give this client a new secret?"),
            "description": _("The old secret and its access tokens are refused at once."),
            "form_submit_text": _("New secret"),
        },
    )
    def renew(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        client = row_or_404(ServiceClient.objects.select_related("user"), object_id)
        self._show_once(request, client, service_client_renew(client=client, actor=actor_of(request)))
        return HttpResponseRedirect(reverse("admin:authgateway_serviceclient_changelist"))

    @action(
        description=_("Revoke"),
        icon="block",
        permissions=["verb"],
        dialog={
            "title": _("Revoke this client?"),
            "description": _("It and its access tokens are refused at once. This cannot be undone."),
            "form_submit_text": _("Revoke"),
        },
    )
    def revoke(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        client = row_or_404(ServiceClient.objects.select_related("user"), object_id)
        service_client_revoke(client=client, actor=actor_of(request))
        self.message_user(request, _("The client was revoked."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:authgateway_serviceclient_changelist"))

    def _show_once(self, request: HttpRequest, client: ServiceClient, secret: str) -> None:
        text = _("Client id %(id)s, secret %(secret)s. Copy it now: it is not shown again.")
        self.message_user(request, text % {"id": client.pk, "secret": secret}, messages.WARNING)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "state", "shown_scopes", "created_at", "expires_at", "last_used_at", "last_address")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("name", "user__username", "=id")
    list_select_related = ("user",)
    exclude = ("token_hash",)
    actions_row = ("revoke",)
    actions_detail = ("revoke",)

    @display(description=_("state"), label=_STATES)
    def state(self, token: ApiToken) -> str:
        return _state(token)

    @display(description=_("scopes"))
    def shown_scopes(self, token: ApiToken) -> str:
        return " ".join(token.scopes)

    @action(
        description=_("Revoke"),
        icon="block",
        permissions=["verb"],
        dialog={
            "title": _("Revoke this token?"),
            "description": _("It is refused at once. This cannot be undone."),
            "form_submit_text": _("Revoke"),
        },
    )
    def revoke(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        row = row_or_404(ApiToken.objects.all(), object_id)
        api_token_revoke(token_id=row.pk, actor=actor_of(request))
        self.message_user(request, _("The token was revoked."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:authgateway_apitoken_changelist"))
