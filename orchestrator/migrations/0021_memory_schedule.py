from django.db import migrations


def schedule(apps, schema_editor):
    interval, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=60, period="seconds"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.update_or_create(
        name="Orchestrator: tell of memory alerts",
        defaults={"task": "orchestrator.memory_alerts", "interval": interval, "expire_seconds": 60},
    )


def unschedule(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(task="orchestrator.memory_alerts").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("orchestrator", "0020_memory_watch"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(schedule, unschedule)]
