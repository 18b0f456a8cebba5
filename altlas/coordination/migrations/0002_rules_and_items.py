"""Rules that PostgreSQL keeps by itself, and the work items of the requirement rows."""

from django.db import migrations

from altlas.coordination import requirements, statuses


def transitions(table: str, column: str, allowed: dict) -> migrations.RunSQL:
    pairs = ", ".join(f"('{old}', '{new}')" for old in sorted(allowed) for new in sorted(allowed[old]))
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {table}_rule() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.{column} <> OLD.{column} AND NOT ((OLD.{column}, NEW.{column}) IN ({pairs})) THEN
                RAISE EXCEPTION '{table}: {column} % -> % is not allowed', OLD.{column}, NEW.{column}
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER {table}_rule BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_rule();
        """,
        f"DROP TRIGGER {table}_rule ON {table}; DROP FUNCTION {table}_rule();",
    )


def append_only(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the journal is appended to, never changed' USING ERRCODE = 'check_violation';
        END $$;
        CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_append_only();
        """,
        f"DROP TRIGGER {table}_append_only ON {table}; DROP FUNCTION {table}_append_only();",
    )


def seed(apps, schema_editor):
    items = apps.get_model("coordination", "WorkItem").objects
    for position, row in enumerate(requirements.ROWS):
        items.update_or_create(
            row=row.row,
            defaults={"position": position, "fault": row.fault, "title": row.title, "proof": row.proof},
        )


class Migration(migrations.Migration):
    dependencies = [("coordination", "0001_initial")]

    operations = [
        transitions("coordination_verificationrun", "status", statuses.RUN_TRANSITIONS),
        transitions("coordination_risk", "state", statuses.RISK_TRANSITIONS),
        transitions("coordination_rollout", "state", statuses.ROLLOUT_TRANSITIONS),
        transitions("coordination_rolloutstep", "state", statuses.STEP_TRANSITIONS),
        append_only("coordination_journalentry"),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
