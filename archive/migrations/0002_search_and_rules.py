"""What only the database keeps: folding functions, the search vector, storage, and the rule of status changes.

Documents and queries are folded by the same functions, because the database's locale (C.UTF-8, no ICU, no unaccent)
lowers I to i in every language and so never joins Turkish I and ı.
"""

from django.db import migrations

# Turkish letters made small as Turkish does it, before any stemmer sees them; circumflexes dropped. PostgreSQL's parser
# skips what stands between tags and takes words joined by a slash for one path, so in both folds <, > and / are spaces.
FOLD = r"""
CREATE FUNCTION archive_fold(value text, language text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN language = 'tr' OR language LIKE 'tr-%' THEN
        lower(translate(CASE WHEN value IS NFC NORMALIZED THEN value ELSE normalize(value, NFC) END,
                        U&'I\0130\00E2\00EE\00FB\00C2\00CE\00DB<>/\0307', U&'\0131iaiuaiu   '))
    ELSE translate(value, '<>/', '   ')
END
"""

# Every form of a letter made its ASCII base: İ, I, ı and i are one letter here, ş is s, é is e.
PLAIN = r"""
CREATE FUNCTION archive_plain(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(lower(regexp_replace(normalize(value, NFKD), U&'[\0300-\036F]+', '', 'g')),
                 U&'\0131\00F8\0111\0142<>/', 'iodl   ')
"""

# Two readings in one vector: stems of the record's language (title A, text C) and, below them, plain words (title B,
# text D). Without a known language both languages' stems are kept. PostgreSQL bounds a vector to 1 MiB; a text whose
# vector would be larger is indexed by its beginning.
VECTOR = r"""
CREATE FUNCTION archive_vector_of(title text, body text, language text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN
    CASE WHEN language = '' OR language = 'tr' OR language LIKE 'tr-%' THEN
        setweight(to_tsvector('pg_catalog.turkish', archive_fold(title, 'tr')), 'A')
        || setweight(to_tsvector('pg_catalog.turkish', archive_fold(body, 'tr')), 'C')
    ELSE ''::tsvector END
    || CASE WHEN language = '' OR language = 'en' OR language LIKE 'en-%' THEN
        setweight(to_tsvector('pg_catalog.english', archive_fold(title, 'en')), 'A')
        || setweight(to_tsvector('pg_catalog.english', archive_fold(body, 'en')), 'C')
    ELSE ''::tsvector END
    || setweight(to_tsvector('pg_catalog.simple', archive_plain(title)), 'B')
    || setweight(to_tsvector('pg_catalog.simple', archive_plain(body)), 'D')
"""
BOUNDED_VECTOR = r"""
CREATE FUNCTION archive_vector(title text, body text, language text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
BEGIN
    IF length(body) <= 50000 THEN
        RETURN archive_vector_of(title, body, language);
    END IF;
    BEGIN
        RETURN archive_vector_of(title, body, language);
    EXCEPTION WHEN program_limit_exceeded THEN
        RETURN archive_vector_of(title, left(body, 50000), language);
    END;
END
$$
"""

# One query in three readings, as the vector has them.
QUERY = r"""
CREATE FUNCTION archive_query(words text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN websearch_to_tsquery('pg_catalog.turkish', archive_fold(words, 'tr'))
    || websearch_to_tsquery('pg_catalog.english', archive_fold(words, 'en'))
    || websearch_to_tsquery('pg_catalog.simple', archive_plain(words))
"""

# Long columns leave the row as soon as it is over a page's quarter, down to 256 bytes, so that pages of a list hold many rows;
# the vector stays with the row, since an exact scan reads it for every record of an owner.
COLUMNS = r"""
ALTER TABLE archive_record
    ADD COLUMN search tsvector GENERATED ALWAYS AS (archive_vector(title, text, language)) STORED,
    ALTER COLUMN embedding SET STORAGE MAIN,
    SET (toast_tuple_target = 256)
"""
INDEX = "CREATE INDEX archive_search ON archive_record USING gin (search)"

# After the row is written and only when the status changed: a trigger before it would make every update compute the
# search vector again.
RULE = r"""
CREATE FUNCTION archive_check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (OLD.status || '>' || NEW.status) = ANY (ARRAY[
        'draft>active', 'draft>failed', 'draft>archived',
        'active>failed', 'active>superseded', 'active>archived',
        'failed>active', 'failed>archived',
        'superseded>archived',
        'archived>active'
    ]) THEN
        RAISE EXCEPTION 'a record that is % cannot become %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_status_transition';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER archive_status_transition AFTER UPDATE OF status ON archive_record
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION archive_check_transition();
"""


class Migration(migrations.Migration):
    dependencies = [("archive", "0001_initial")]

    operations = [
        migrations.RunSQL(FOLD, "DROP FUNCTION archive_fold(text, text)"),
        migrations.RunSQL(PLAIN, "DROP FUNCTION archive_plain(text)"),
        migrations.RunSQL(VECTOR, "DROP FUNCTION archive_vector_of(text, text, text)"),
        migrations.RunSQL(BOUNDED_VECTOR, "DROP FUNCTION archive_vector(text, text, text)"),
        migrations.RunSQL(QUERY, "DROP FUNCTION archive_query(text)"),
        migrations.RunSQL(COLUMNS, "ALTER TABLE archive_record DROP COLUMN search, RESET (toast_tuple_target)"),
        migrations.RunSQL(INDEX, migrations.RunSQL.noop),
        migrations.RunSQL(
            RULE,
            "DROP TRIGGER archive_status_transition ON archive_record; DROP FUNCTION archive_check_transition()",
        ),
    ]
