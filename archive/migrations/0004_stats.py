from django.db import migrations, models

VIEW = """
CREATE MATERIALIZED VIEW archive_stats AS
SELECT owner_id,
       CASE grouping(kind, status, language, day)
           WHEN 7 THEN 'kind' WHEN 11 THEN 'status' WHEN 13 THEN 'language' WHEN 14 THEN 'day' ELSE 'total'
       END AS dimension,
       coalesce(kind, status, language, day::text, '') AS value,
       count(*) AS records, sum(success_rate) AS rate_sum, count(success_rate) AS rated
FROM (SELECT owner_id, kind, status, language, (created_at AT TIME ZONE 'UTC')::date AS day, success_rate
      FROM archive_record WHERE deleted_at IS NULL) AS living
GROUP BY GROUPING SETS ((owner_id, kind), (owner_id, status), (owner_id, language), (owner_id, day), (owner_id))
UNION ALL
SELECT owner_id, 'tag', tag, count(*), sum(success_rate), count(success_rate)
FROM archive_record, unnest(tags) AS tag WHERE deleted_at IS NULL GROUP BY owner_id, tag
"""
# Refreshing CONCURRENTLY needs a unique index on plain columns.
INDEX = "CREATE UNIQUE INDEX archive_stats_key ON archive_stats (owner_id, dimension, value)"


class Migration(migrations.Migration):
    dependencies = [("archive", "0003_idempotency")]

    operations = [
        migrations.CreateModel(
            name="ViewRefresh",
            fields=[
                ("view", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("as_of", models.DateTimeField()),
                ("seconds", models.FloatField()),
                ("written", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RunSQL(VIEW, "DROP MATERIALIZED VIEW archive_stats"),
        migrations.RunSQL(INDEX, migrations.RunSQL.noop),
    ]
