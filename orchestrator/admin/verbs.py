"""Verbs that need a word more: a form, one call of a service, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse

from altlas.kernel.errors import AltlasError


def told(admin: Any, request: HttpRequest, work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns; None when it was refused, which the operator is told with its reason."""
    try:
        return work()
    except AltlasError as exc:
        admin.message_user(request, exc.detail, messages.ERROR)
        return None


def form_page(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    *,
    title: object,  # text, or text that is translated when it is shown
    form: forms.Form,
    work: Callable[[dict[str, Any]], Any],
    done: Callable[[Any], str],
    back: str,
    button: object,
    rows: Sequence[Mapping[str, Any]] = (),
) -> HttpResponseRedirect | TemplateResponse:
    """Show ``form`` above ``rows``; on a valid POST call ``work`` with what was entered and go ``back``."""
    if request.method == "POST" and form.is_valid():
        found = told(admin, request, lambda: work(form.cleaned_data))
        if found is not None:
            admin.message_user(request, done(found), messages.SUCCESS)
            return HttpResponseRedirect(back)
    context = {
        **admin.admin_site.each_context(request),
        "form": form,
        "title": title,
        "button": button,
        "back": back,
        "columns": list(rows[0]) if rows else [],
        "rows": [list(row.values()) for row in rows],
        "opts": admin.opts,
    }
    return TemplateResponse(request, "admin/orchestrator/verb.html", context)


def confirm_page(admin: ModelAdmin[Any], request: HttpRequest, **page: Any) -> HttpResponseRedirect | TemplateResponse:
    """As ``form_page`` for a verb that takes no more than a yes: a link, which any site may set, changes nothing."""
    work = page.pop("work")
    form = forms.Form(request.POST if request.method == "POST" else None)
    return form_page(admin, request, form=form, work=lambda _data: work(), **page)
