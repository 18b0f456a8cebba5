from django.contrib import admin

from authgateway.admin import denials, events, families, keys, users
from authgateway.admin.login_form import ConsoleLoginForm

admin.site.login_form = ConsoleLoginForm

__all__ = ["denials", "events", "families", "keys", "users"]
