"""Rules that PostgreSQL keeps by itself: allowed status changes, and an append-only decision log."""

from django.db import migrations

from orchestrator.models import catalogue, jobs


def transitions(table: str, allowed: dict) -> migrations.RunSQL:
    pairs = ", ".join(f"('{old}', '{new}')" for old in sorted(allowed) for new in sorted(allowed[old]))
    return migrations.RunSQL(
        f"""
        CREATE FUNCTION {table}_status_rule() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.status <> OLD.status AND NOT ((OLD.status, NEW.status) IN ({pairs})) THEN
                RAISE EXCEPTION '{table}: status % -> % is not allowed', OLD.status, NEW.status
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER {table}_status_rule BEFORE UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_status_rule();
        """,
        f"DROP TRIGGER {table}_status_rule ON {table}; DROP FUNCTION {table}_status_rule();",
    )


class Migration(migrations.Migration):
    dependencies = [("orchestrator", "0001_initial")]

    operations = [
        transitions("orchestrator_modelversion", catalogue.TRANSITIONS),
        transitions("orchestrator_loadjob", jobs.TRANSITIONS),
        migrations.RunSQL(
            """
            CREATE FUNCTION orchestrator_cacheevent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'the decision log is appended to, never changed' USING ERRCODE = 'check_violation';
            END $$;
            CREATE TRIGGER orchestrator_cacheevent_append_only BEFORE UPDATE ON orchestrator_cacheevent
                FOR EACH ROW EXECUTE FUNCTION orchestrator_cacheevent_append_only();
            """,
            """
            DROP TRIGGER orchestrator_cacheevent_append_only ON orchestrator_cacheevent;
            DROP FUNCTION orchestrator_cacheevent_append_only();
            """,
        ),
    ]
