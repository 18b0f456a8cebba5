"""Tables of the kernel in the admin: alerts, background jobs, schedules."""

from altlas.console.admin import alerts, jobs, schedules  # noqa: F401  # they register themselves
