"""Partitions by month, when the setting asks for them; otherwise nothing."""

from django.db import migrations


def convert(apps, schema_editor):
    from archive import partitions
    from archive.conf import conf

    if conf.partitions == "month" and not partitions.active():
        partitions.convert()


class Migration(migrations.Migration):
    dependencies = [("archive", "0006_slow_queries_retention_imports")]

    operations = [migrations.RunPython(convert, migrations.RunPython.noop, elidable=False)]
