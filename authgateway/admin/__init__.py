from django.contrib import admin

from authgateway.admin import denials, events, families, keys, locked, machines, users
from authgateway.admin.login_form import ConsoleLoginForm

admin.site.login_form = ConsoleLoginForm
admin.site.login_template = "authgateway/login.html"

__all__ = ["denials", "events", "families", "keys", "locked", "machines", "users"]
