"""Alerts, their rules, silences and messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from altlas.kernel.alerting import rules, services
from altlas.kernel.clock import now
from altlas.kernel.models import Alert, AlertDelivery, AlertRule, AlertSilence
from altlas.kernel.rows import row_or_404
from authgateway.admin.read_only import ReadOnlyAdmin, ReadOnlyInline

_SEVERITIES = {"warning": "warning", "critical": "danger"}


class DeliveryInline(ReadOnlyInline):
    model = AlertDelivery
    fields = ("channel", "news", "state", "attempts", "next_at", "sent_at", "error")
    readonly_fields = fields
    ordering = ("-id",)


class SilenceForm(BaseDialogForm):
    hours = forms.IntegerField(
        min_value=1, max_value=24 * 30, initial=4, label=_("Hours"), widget=UnfoldAdminIntegerFieldWidget
    )
    reason = forms.CharField(max_length=300, label=_("Reason"), widget=UnfoldAdminTextInputWidget)


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("heading", "key", "shown_severity", "shown_state", "summary", "count", "first_at", "last_at")
    list_filter = ("state", "severity", "rule", "first_at")
    search_fields = ("rule__name", "key", "summary")
    inlines = (DeliveryInline,)
    actions_row = ("silence",)
    actions_detail = ("silence",)
    actions = ("resolve",)

    @display(description=_("alert"), ordering="rule")
    def heading(self, alert: Alert) -> str:
        return rules.title(alert.rule_id)

    @display(description=_("severity"), ordering="severity", label=_SEVERITIES)
    def shown_severity(self, alert: Alert) -> Any:
        return alert.severity, alert.get_severity_display()

    @display(description=_("state"), ordering="state", label={"firing": "danger", "resolved": "success"})
    def shown_state(self, alert: Alert) -> Any:
        return alert.state, alert.get_state_display()

    @action(
        description=_("Silence"),
        icon="notifications_off",
        permissions=["verb"],
        dialog={
            "title": _("Silence this alert?"),
            "description": _("It stays visible here and is not sent. It is told afterwards if it still fires."),
            "form_class": SilenceForm,
            "form_submit_text": _("Silence"),
        },
    )
    def silence(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        alert = row_or_404(Alert.objects.all(), object_id)
        services.silence_create(
            rule=alert.rule_id,
            key=alert.key,
            until=now() + timedelta(hours=form.cleaned_data["hours"]),
            reason=form.cleaned_data["reason"],
            actor=request.user.get_username(),
        )
        self.message_user(request, _("The alert is silent."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:kernel_alert_change", args=[object_id]))

    @admin.action(description=_("Resolve by hand"), permissions=["verb"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        done = sum(
            services.resolve_alert(name, key=key)
            for name, key in queryset.filter(state=Alert.State.FIRING).values_list("rule_id", "key")
        )
        self.message_user(request, _("%(count)d alerts were resolved.") % {"count": done}, messages.SUCCESS)


@admin.register(AlertRule)
class AlertRuleAdmin(ModelAdmin):
    list_display = ("heading", "name", "enabled", "tell", "severity", "threshold", "unit")
    fields = ("name", "explanation", "enabled", "tell", "severity", "threshold", "unit")
    readonly_fields = ("name", "explanation", "unit")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("rule"))
    def heading(self, row: AlertRule) -> str:
        return rules.title(row.name)

    @display(description=_("what it means"))
    def explanation(self, row: AlertRule) -> str:
        found = rules.rules().get(row.name)
        return str(found.help) if found else "–"

    @display(description=_("unit"))
    def unit(self, row: AlertRule) -> str:
        found = rules.rules().get(row.name)
        return str(found.unit) if found and found.unit else "–"


@admin.register(AlertSilence)
class AlertSilenceAdmin(ModelAdmin):
    list_display = ("__str__", "until", "active", "reason", "created_by", "created_at")
    fields = ("rule", "key", "until", "reason", "created_by", "created_at")
    readonly_fields = ("created_by", "created_at")
    actions = ("end",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and bool(super().has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AlertSilence, form: Any, change: bool) -> None:
        obj.created_by = request.user.get_username()
        super().save_model(request, obj, form, change)

    @display(description=_("in force"), boolean=True)
    def active(self, silence: AlertSilence) -> bool:
        return silence.until > now()

    @admin.action(description=_("End now"), permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[AlertSilence]) -> None:
        for silence in queryset:
            services.silence_end(silence=silence)
