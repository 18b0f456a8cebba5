"""The statement of every request: borrowed connection, planned once, the same errors as any other."""

from __future__ import annotations

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_request_without_a_connection_borrows_one_and_holds_none_afterwards() -> None:
    connection.close()
    assert connection.first_row("SELECT %s::int + 1", [41]) == (42,)
    assert connection.first_row("SELECT 1 WHERE false", []) is None
    assert connection.connection is None


def test_inside_a_transaction_it_sees_what_was_written_there() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE noted ON COMMIT DROP AS SELECT 7 AS value")
        assert connection.first_row("SELECT value FROM noted WHERE value = %s", [7]) == (7,)


def test_the_server_plans_it_once_for_a_connection() -> None:
    connection.close()
    for value in range(40):
        assert connection.first_row("SELECT 'planned once', %s::int", [value]) == ("planned once", value)
    statements, runs = connection.first_row(
        "SELECT count(*), sum(generic_plans + custom_plans)::int FROM pg_prepared_statements WHERE statement LIKE %s",
        ["SELECT 'planned once'%"],
    )
    assert statements == 1 and runs > 1


def test_an_error_is_djangos_and_the_connection_is_given_back() -> None:
    connection.close()
    for _ in range(connection.pool.max_size + 1):
        with pytest.raises(DataError):
            connection.first_row("SELECT 1 / %s::int", [0])
    assert connection.first_row("SELECT 1", []) == (1,)


def test_what_is_logged_has_its_text() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert connection.first_row("SELECT %s::int", [5]) == (5,)
    assert [query["sql"] for query in queries] == ["SELECT 5::int"]


def test_a_column_that_has_got_another_type_is_read_again() -> None:
    def told(sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    told("CREATE TABLE probe AS SELECT 7 AS value")
    try:
        for _ in range(10):
            assert connection.first_row("SELECT value FROM probe", []) == (7,)
        told("ALTER TABLE probe ALTER COLUMN value TYPE text")
        for _ in range(10):
            assert connection.first_row("SELECT value FROM probe", []) == ("7",)
    finally:
        told("DROP TABLE probe")
