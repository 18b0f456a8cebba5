"""Forms of the verbs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from altlas.coordination.models import Risk, Severity
from altlas.coordination.models.item import Priority
from altlas.coordination.statuses import ItemStatus, RiskState
from altlas.kernel.verification import Load, registered


def _staff() -> Any:
    return get_user_model().objects.filter(is_staff=True, is_active=True).order_by("username")


class VerifyForm(forms.Form):
    what = forms.ChoiceField(label=_("What"), widget=UnfoldAdminSelectWidget)
    load = forms.ChoiceField(
        label=_("Load"), choices=[(load.value, load.value) for load in Load], widget=UnfoldAdminSelectWidget
    )
    full = forms.BooleanField(
        label=_("Full: every verification at all of its loads"), required=False, widget=UnfoldBooleanSwitchWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = sorted({verification.service for verification in registered()})
        what: Any = self.fields["what"]
        what.choices = [
            ("", _("Everything")),
            *((service, service) for service in services),
            *((verification.name, f"{verification.name}: {verification.title}") for verification in registered()),
        ]
        what.required = False


class PlanForm(forms.Form):
    owner: Any = forms.ModelChoiceField(label=_("Owner"), queryset=None, required=False, widget=UnfoldAdminSelectWidget)
    due = forms.DateField(label=_("Due"), required=False, widget=UnfoldAdminSingleDateWidget)
    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=Priority.choices, coerce=int, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = _staff()  # type: ignore[attr-defined]  # a ModelChoiceField


class CommentForm(forms.Form):
    text = forms.CharField(label=_("Comment"), widget=UnfoldAdminTextareaWidget)


class OverrideForm(forms.Form):
    status = forms.ChoiceField(
        label=_("Show as"),
        choices=[("", _("what the evidence says")), *((s.value, s.value) for s in ItemStatus)],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(label=_("Reason"), widget=UnfoldAdminTextareaWidget)


class EvidenceForm(forms.Form):
    passed = forms.BooleanField(label=_("It holds"), required=False, widget=UnfoldBooleanSwitchWidget)
    note = forms.CharField(label=_("What the judgement rests on"), widget=UnfoldAdminTextareaWidget)


class RiskForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=Risk.Kind.choices, widget=UnfoldAdminSelectWidget)
    title = forms.CharField(label=_("Title"), max_length=200, widget=UnfoldAdminTextInputWidget)
    detail = forms.CharField(label=_("Detail"), required=False, widget=UnfoldAdminTextareaWidget)
    severity = forms.TypedChoiceField(
        label=_("Severity"), choices=Severity.choices, coerce=int, widget=UnfoldAdminSelectWidget
    )
    owner: Any = forms.ModelChoiceField(label=_("Owner"), queryset=None, required=False, widget=UnfoldAdminSelectWidget)
    row = forms.CharField(label=_("Row"), required=False, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = _staff()  # type: ignore[attr-defined]  # a ModelChoiceField


class RiskChangeForm(forms.Form):
    state = forms.ChoiceField(
        label=_("State"),
        choices=[(s.value, s.value) for s in RiskState if s is not RiskState.RESOLVED],
        widget=UnfoldAdminSelectWidget,
    )
    severity = forms.TypedChoiceField(
        label=_("Severity"), choices=Severity.choices, coerce=int, widget=UnfoldAdminSelectWidget
    )
    owner: Any = forms.ModelChoiceField(label=_("Owner"), queryset=None, required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = _staff()  # type: ignore[attr-defined]  # a ModelChoiceField


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), widget=UnfoldAdminTextareaWidget)


class DecisionForm(forms.Form):
    text = forms.CharField(label=_("Decision"), widget=UnfoldAdminTextareaWidget)
    reason = forms.CharField(label=_("Reason"), widget=UnfoldAdminTextareaWidget)


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, widget=UnfoldAdminTextInputWidget)


class NoteForm(forms.Form):
    note = forms.CharField(label=_("Note"), required=False, widget=UnfoldAdminTextareaWidget)
