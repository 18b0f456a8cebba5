import altlas.kernel.clock
import altlas.kernel.ids
import archive.statuses
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import pgvector.django
import pgvector.django.halfvec
import pgvector.django.indexes
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgvector.django.VectorExtension(),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=altlas.kernel.clock.now, editable=False)),
                ('action', models.CharField(max_length=32)),
                ('actor_id', models.UUIDField(null=True)),
                ('owner_id', models.UUIDField()),
                ('record_id', models.UUIDField(null=True)),
                ('request_id', models.CharField(blank=True, max_length=128)),
                ('detail', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'ordering': ['-id'],
                'indexes': [django.contrib.postgres.indexes.BrinIndex(fields=['at'], name='archive_audit_at'), models.Index(fields=['record_id', '-id'], name='archive_audit_record'), models.Index(fields=['owner_id', '-id'], name='archive_audit_owner')],
            },
        ),
        migrations.CreateModel(
            name='Record',
            fields=[
                ('id', models.UUIDField(default=altlas.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('active', 'Active'), ('failed', 'Failed'), ('superseded', 'Superseded'), ('archived', 'Archived')], default=archive.statuses.Status['ACTIVE'], max_length=16)),
                ('title', models.CharField(blank=True, max_length=300)),
                ('text', models.TextField(blank=True)),
                ('payload', models.JSONField(blank=True, default=dict)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('language', models.CharField(blank=True, max_length=16)),
                ('success_rate', models.FloatField(blank=True, null=True)),
                ('source_run_id', models.UUIDField(blank=True, null=True)),
                ('embedding', pgvector.django.halfvec.HalfVectorField(blank=True, dimensions=384, null=True)),
                ('on_hold', models.BooleanField(default=False, help_text='Kept by retention and refused to deletion.')),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=altlas.kernel.clock.now, editable=False)),
                ('updated_at', models.DateTimeField(default=altlas.kernel.clock.now, editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='RecordRevision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('kind', models.CharField(max_length=64)),
                ('status', models.CharField(max_length=16)),
                ('title', models.CharField(blank=True, max_length=300)),
                ('text', models.TextField(blank=True)),
                ('payload', models.JSONField(default=dict)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None)),
                ('language', models.CharField(blank=True, max_length=16)),
                ('success_rate', models.FloatField(null=True)),
                ('replaced_at', models.DateTimeField(default=altlas.kernel.clock.now)),
                ('record', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='revisions', to='archive.record')),
                ('replaced_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['record', '-version'],
            },
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(models.F('owner'), models.OrderBy(models.F('created_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('deleted_at__isnull', True)), name='archive_created'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(models.F('owner'), models.OrderBy(models.F('updated_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('deleted_at__isnull', True)), name='archive_updated'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(models.F('owner'), models.F('title'), models.F('id'), condition=models.Q(('deleted_at__isnull', True)), name='archive_title'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(models.F('owner'), models.F('kind'), models.OrderBy(models.F('created_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('deleted_at__isnull', True)), name='archive_kind'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(models.F('owner'), models.F('status'), models.OrderBy(models.F('created_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('deleted_at__isnull', True)), name='archive_status'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(models.F('owner'), models.OrderBy(models.F('success_rate'), descending=True, nulls_last=True), models.OrderBy(models.F('created_at')), models.OrderBy(models.F('id')), condition=models.Q(('deleted_at__isnull', True)), name='archive_success'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(models.F('owner'), models.OrderBy(models.F('deleted_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('deleted_at__isnull', False)), name='archive_trash'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(condition=models.Q(('source_run_id__isnull', False)), fields=['source_run_id'], name='archive_run'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tags'], name='archive_tags'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=django.contrib.postgres.indexes.GinIndex(fields=['payload'], name='archive_payload', opclasses=['jsonb_path_ops']),
        ),
        migrations.AddIndex(
            model_name='record',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True), ('embedding__isnull', False)), fields=['owner'], name='archive_embedded'),
        ),
        migrations.AddIndex(
            model_name='record',
            index=pgvector.django.indexes.HnswIndex(condition=models.Q(('deleted_at__isnull', True)), ef_construction=64, fields=['embedding'], m=16, name='archive_hnsw', opclasses=['halfvec_cosine_ops']),
        ),
        migrations.AddConstraint(
            model_name='record',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'active', 'failed', 'superseded', 'archived'])), name='archive_status_known'),
        ),
        migrations.AddConstraint(
            model_name='record',
            constraint=models.CheckConstraint(condition=models.Q(('success_rate__isnull', True), models.Q(('success_rate__gte', 0), ('success_rate__lte', 1)), _connector='OR'), name='archive_success_rate_range'),
        ),
        migrations.AddConstraint(
            model_name='record',
            constraint=models.CheckConstraint(condition=models.Q(('kind', ''), _negated=True), name='archive_kind_given'),
        ),
        migrations.AddConstraint(
            model_name='record',
            constraint=models.CheckConstraint(condition=models.Q(('on_hold', False), ('deleted_at__isnull', True), _connector='OR'), name='archive_hold_is_alive'),
        ),
        migrations.AddConstraint(
            model_name='recordrevision',
            constraint=models.UniqueConstraint(fields=('record', 'version'), name='archive_revision_version'),
        ),
    ]
