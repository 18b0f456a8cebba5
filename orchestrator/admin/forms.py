"""Forms of the catalogue's verbs."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from orchestrator.models import Model, Runtime, Task, VersionPolicy, VersionStatus


class RegistrationForm(forms.Form):
    name = forms.CharField(max_length=128, label=_("Name"), widget=UnfoldAdminTextInputWidget)
    task = forms.ChoiceField(choices=Task.choices, label=_("Task"), widget=UnfoldAdminSelectWidget)
    source = forms.CharField(
        max_length=512,
        label=_("Source"),
        help_text=_("package://name/folder, folder:///path or hf://org/model. Files stay where they are."),
        widget=UnfoldAdminTextInputWidget,
    )
    version = forms.CharField(max_length=64, label=_("Version"), widget=UnfoldAdminTextInputWidget)
    description = forms.CharField(required=False, label=_("Description"), widget=UnfoldAdminTextareaWidget)


class AliasForm(forms.Form):
    name = forms.CharField(
        max_length=64,
        label=_("Alias"),
        help_text=_("Such as `stable` or `canary`. It moves once the version has loaded and is warm."),
        widget=UnfoldAdminTextInputWidget,
    )
    version = forms.ChoiceField(label=_("Version"), widget=UnfoldAdminSelectWidget)
    weight = forms.IntegerField(
        min_value=0,
        max_value=100,
        required=False,
        label=_("Weight"),
        help_text=_(
            "Percent of the traffic that names no version; the rest goes to `stable`. Left empty, it stays as it is."
        ),
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: object, model: Model) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # the request's data, or nothing
        rows = model.versions.exclude(status=VersionStatus.RETIRED).order_by("-number")
        self.fields["version"].choices = [(row.version, f"{row.version} ({row.status})") for row in rows]  # type: ignore[attr-defined]


class PolicyForm(forms.Form):
    version_policy = forms.ChoiceField(
        choices=VersionPolicy.choices, label=_("Version policy"), widget=UnfoldAdminSelectWidget
    )
    policy_count = forms.IntegerField(
        min_value=1, max_value=1000, label=_("How many of the latest"), widget=UnfoldAdminIntegerFieldWidget
    )
    policy_versions = forms.CharField(
        required=False,
        label=_("Which, for `specific`"),
        help_text=_("Versions, separated by commas. What is left out is unloaded."),
        widget=UnfoldAdminTextInputWidget,
    )

    def clean_policy_versions(self) -> list[str]:
        return [part.strip() for part in self.cleaned_data["policy_versions"].split(",") if part.strip()]


class RuntimeForm(forms.Form):
    runtime = forms.ChoiceField(
        choices=Runtime.choices,
        label=_("Runtime"),
        help_text=_(
            "`auto` takes the accepted full-precision variant where it is faster. int8 loses what the table says."
        ),
        widget=UnfoldAdminSelectWidget,
    )
