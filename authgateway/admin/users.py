from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from altlas.kernel.rows import row_or_404
from authgateway.admin.read_only import actor_of
from authgateway.models import Family, User
from authgateway.services.sessions import user_sessions_end
from authgateway.services.totp import totp_remove


class ChangeForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User


class CreationForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User


@admin.register(User)
class UserAdmin(BaseUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # generic for type checkers only
    form = ChangeForm
    add_form = CreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    readonly_fields = ("last_login", "date_joined")
    warn_unsaved_form = True
    actions = ("end_sessions",)
    actions_detail = ("timeline", "end_all_sessions", "remove_factor")

    def has_end_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("authgateway.change_family")

    @admin.action(description=_("End all sessions of the selected users"), permissions=["end"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = sum(self._end(request, user) for user in queryset)
        self._tell(request, ended)

    @action(
        description=_("End all sessions"),
        icon="logout",
        permissions=["end"],
        dialog={
            "title": _("End all sessions of this user?"),
            "description": _("Every access and refresh token is refused at once. The user can log in again."),
            "form_submit_text": _("End all sessions"),
        },
    )
    def end_all_sessions(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        self._tell(request, self._end(request, row_or_404(User.objects.all(), object_id)))
        return HttpResponseRedirect(reverse("admin:authgateway_user_change", args=[object_id]))

    def has_timeline_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("authgateway.view_securityevent")

    @action(description=_("Timeline"), icon="timeline", permissions=["timeline"])
    def timeline(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(
            f"{reverse('admin:authgateway_securityevent_changelist')}?user__id__exact={object_id}"
        )

    @action(
        description=_("Remove second factor"),
        icon="phonelink_erase",
        permissions=["end"],
        dialog={
            "title": _("Remove the second factor of this user?"),
            "description": _(
                "For a lost telephone without recovery codes. Every session ends; the password alone opens."
            ),
            "form_submit_text": _("Remove"),
        },
    )
    def remove_factor(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        totp_remove(user=row_or_404(User.objects.all(), object_id), actor=actor_of(request))
        self.message_user(request, _("The second factor was removed."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:authgateway_user_change", args=[object_id]))

    def _end(self, request: HttpRequest, user: User) -> int:
        return user_sessions_end(user=user, reason=Family.Reason.OPERATOR, actor=actor_of(request))

    def _tell(self, request: HttpRequest, ended: int) -> None:
        text = ngettext("%d session was ended.", "%d sessions were ended.", ended) % ended
        self.message_user(request, text, messages.SUCCESS)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, ModelAdmin):
    pass
