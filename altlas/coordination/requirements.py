"""The requirement rows: what must be true, and how each is proved. Migration 0002 seeds the work items from here.

``verify`` in a proof stands for ``manage.py verify``; which verifications prove a row is declared by the
verifications themselves (``altlas.kernel.verification``).
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    row: str
    fault: str
    title: str
    proof: str


_SEG, _ARC, _API, _AI, _CO = "SEG-042", "ARC-037", "API-089", "AI-023", "COORD"
_TESTS = "Tests in {}; `manage.py evidence junit FILE` takes over the result of a test run."
_ANALYSED = "The generated report is read by a person, who records it: `manage.py evidence record ROW --passed`."

ROWS: tuple[Row, ...] = (
    Row("1.1.1", _SEG, "Memory of the whole process tree is measured from one command", "verify segmentation"),
    Row("1.1.2", _SEG, "Memory is measured under low, mid and high load", "verify segmentation.memory --full"),
    Row("1.1.3", _SEG, "Python allocations that grow are shown by line", _TESTS.format("tests/segmentation")),
    Row("1.1.4", _SEG, "What keeps memory alive is named", _TESTS.format("tests/segmentation")),
    Row("1.1.5", _SEG, "The root cause is stated from the evidence", _ANALYSED),
    Row("1.1.6", _SEG, "A memory analysis report is generated", _ANALYSED),
    Row("1.2.1", _SEG, "Models live in a bounded pool and are leased to requests", "verify segmentation"),
    Row("1.2.2", _SEG, "A garbage-collection strategy for long-lived workers", _TESTS.format("tests/segmentation")),
    Row("1.2.3", _SEG, "Memory is watched; crossing a threshold alerts and acts", _TESTS.format("tests/segmentation")),
    Row(
        "1.2.4",
        _SEG,
        "Workers are restarted periodically, without a failed request",
        _TESTS.format("tests/segmentation"),
    ),
    Row("1.2.5", _SEG, "Tensor memory is tuned", _TESTS.format("tests/segmentation")),
    Row("1.2.6", _SEG, "The fix is in the product and reviewed", _ANALYSED),
    Row("1.3.1", _SEG, "Unit tests of segmentation", _TESTS.format("tests/segmentation")),
    Row("1.3.2", _SEG, "Integration tests of segmentation", _TESTS.format("tests/segmentation")),
    Row("1.3.3", _SEG, "The load measurements again, after the fix", "verify segmentation.memory"),
    Row("1.3.4", _SEG, "Long stability run with a verdict on the slope of memory", "verify segmentation.soak"),
    Row("1.3.5", _SEG, "Results analysed and written down", _ANALYSED),
    Row("1.3.6", _SEG, "The fix is deployable", "The rollout's step for SEG-042 is done."),
    Row("2.1.1", _ARC, "Slow and timed-out queries are captured", _TESTS.format("tests/archive")),
    Row("2.1.2", _ARC, "Plans of the archive's queries can be taken and read", "verify archive.plans"),
    Row("2.1.3", _ARC, "Index use is examined", "verify archive.plans"),
    Row("2.1.4", _ARC, "The connection pool can be seen", _TESTS.format("tests/archive")),
    Row("2.1.5", _ARC, "Query performance metrics are collected", _TESTS.format("tests/archive")),
    Row("2.1.6", _ARC, "A performance analysis report is generated", _ANALYSED),
    Row("2.2.1", _ARC, "The indexes that the queries need, justified by plans", "verify archive.plans"),
    Row("2.2.2", _ARC, "Materialized views for the expensive aggregates", _TESTS.format("tests/archive")),
    Row("2.2.3", _ARC, "Queries rewritten and optimised", "verify archive.latency"),
    Row("2.2.4", _ARC, "Pagination for large sets", "verify archive.walks"),
    Row("2.2.5", _ARC, "Keyset pagination, forwards and backwards", "verify archive.walks"),
    Row("2.2.6", _ARC, "The connection pool tuned, with the reason for each number", _ANALYSED),
    Row("2.3.1", _ARC, "Redis cache", "verify archive.cache"),
    Row("2.3.2", _ARC, "A stated key and lifetime strategy", _TESTS.format("tests/archive")),
    Row("2.3.3", _ARC, "Frequent queries are cached", "verify archive.cache"),
    Row("2.3.4", _ARC, "A writer never sees what was replaced", "verify archive.cache"),
    Row("2.3.5", _ARC, "The hit rate is watched", "verify archive.cache"),
    Row("2.4.1", _ARC, "Optimised queries measured against the naive version", _ANALYSED),
    Row("2.4.2", _ARC, "Hit rate and gain measured", "verify archive.cache"),
    Row("2.4.3", _ARC, "Load tests: normal, high, stress", "verify archive.timeouts --full"),
    Row("2.4.4", _ARC, "No request times out any more", "verify archive.timeouts"),
    Row("2.4.5", _ARC, "Results analysed and written down", _ANALYSED),
    Row("2.4.6", _ARC, "The fix is deployable", "The rollout's step for ARC-037 is done."),
    Row("3.1.1", _API, "Token configuration audited by command", "verify authgateway.audit"),
    Row("3.1.2", _API, "Refresh endpoint audited by command", "verify authgateway.attacks"),
    Row("3.1.3", _API, "Attack vectors named", "verify authgateway.attacks"),
    Row("3.1.4", _API, "Findings rated", _ANALYSED),
    Row("3.1.5", _API, "A security analysis report is generated", _ANALYSED),
    Row("3.2.1", _API, "RS256 instead of HS256", "verify authgateway.audit"),
    Row("3.2.2", _API, "Key pairs safely made, stored, rotated and published", "verify authgateway.audit"),
    Row("3.2.3", _API, "Claims tightened and validated", "verify authgateway.attacks"),
    Row("3.2.4", _API, "Lifetimes chosen and justified", "verify authgateway.audit"),
    Row("3.2.5", _API, "Strict validation of access tokens", "verify authgateway.attacks"),
    Row("3.3.1", _API, "Refresh tokens in a table of their own, as hashes", "verify authgateway.audit"),
    Row("3.3.2", _API, "Denylist, correct when Redis is down, empty or slow", "verify authgateway.attacks"),
    Row("3.3.3", _API, "Suspicious activity detected, recorded and reported", "verify authgateway.attacks"),
    Row("3.3.4", _API, "Rotation with reuse detection, safe under parallel calls", "verify authgateway.races"),
    Row("3.3.5", _API, "Session security: list, revoke one or all", "verify authgateway.attacks"),
    Row("3.4.1", _API, "Unit tests of the gateway", _TESTS.format("tests/authgateway")),
    Row("3.4.2", _API, "Integration tests of the gateway", _TESTS.format("tests/authgateway")),
    Row("3.4.3", _API, "Security tests", "verify authgateway.attacks"),
    Row("3.4.4", _API, "Performance tests", "verify authgateway.races"),
    Row("3.4.5", _API, "Results analysed and written down", _ANALYSED),
    Row("3.4.6", _API, "The fix is deployable", "The rollout's step for API-089 is done."),
    Row("4.1.1", _AI, "Conflicts reproduced", "verify orchestrator.conflicts --sabotage turns red."),
    Row("4.1.2", _AI, "Conflicts measured: memory", "verify orchestrator.budget"),
    Row("4.1.3", _AI, "Conflicts measured: load time", "verify orchestrator.conflicts"),
    Row("4.1.4", _AI, "Conflicts measured: effect and frequency", "verify orchestrator.conflicts"),
    Row("4.1.5", _AI, "An analysis report is generated", _ANALYSED),
    Row("4.2.1", _AI, "A model cache manager", "verify orchestrator.conflicts"),
    Row("4.2.2", _AI, "Least recently used models are evicted", "verify orchestrator.budget"),
    Row("4.2.3", _AI, "Memory watched; models unloaded at thresholds", "verify orchestrator.budget"),
    Row("4.2.4", _AI, "A database schema for model metadata", _TESTS.format("tests/orchestrator")),
    Row("4.2.5", _AI, "The manager is in the product", "verify orchestrator.conflicts"),
    Row("4.3.1", _AI, "A queue for model loads", "verify orchestrator.conflicts"),
    Row("4.3.2", _AI, "Synchronisation that makes conflicts impossible", "verify orchestrator.conflicts"),
    Row("4.3.3", _AI, "Model versioning and isolation", "verify orchestrator.crash"),
    Row("4.3.4", _AI, "Settings that optimise memory use", _TESTS.format("tests/orchestrator")),
    Row("4.3.5", _AI, "A dynamic loading strategy", "verify orchestrator.budget"),
    Row("4.4.1", _AI, "Unit tests of the orchestrator", _TESTS.format("tests/orchestrator")),
    Row("4.4.2", _AI, "Integration tests of the orchestrator", _TESTS.format("tests/orchestrator")),
    Row("4.4.3", _AI, "Load tests with many concurrent requests", "verify orchestrator.conflicts"),
    Row("4.4.4", _AI, "Memory and load performance measured again", "verify orchestrator.budget"),
    Row("4.4.5", _AI, "Results analysed and written down", _ANALYSED),
    Row("4.4.6", _AI, "The fix is deployable", "The rollout's step for AI-023 is done."),
    Row("5.1.1", _CO, "A daily run gathers the state of every work item", _TESTS.format("tests/coordination")),
    Row("5.1.2", _CO, "The daily run is at 09:30 by default", _TESTS.format("tests/coordination")),
    Row("5.1.3", _CO, "A progress board in the admin", _TESTS.format("tests/coordination")),
    Row("5.1.4", _CO, "Risks and blockers are recorded and detected", _TESTS.format("tests/coordination")),
    Row("5.1.5", _CO, "A daily summary is written and sent", _TESTS.format("tests/coordination")),
    Row("5.2.1", _CO, "Blockers have a priority", _TESTS.format("tests/coordination")),
    Row("5.2.2", _CO, "Blockers have an owner", _TESTS.format("tests/coordination")),
    Row("5.2.3", _CO, "Blockers have state and age", _TESTS.format("tests/coordination")),
    Row("5.2.4", _CO, "Blockers have a history", _TESTS.format("tests/coordination")),
    Row("5.2.5", _CO, "Decisions are recorded", _TESTS.format("tests/coordination")),
    Row("5.3.1", _CO, "The four fixes are verified together", "verify --full"),
    Row("5.3.2", _CO, "By one integration run", "verify --full"),
    Row("5.3.3", _CO, "A rollout plan: ordered steps with gates", _TESTS.format("tests/coordination")),
    Row("5.3.4", _CO, "Carried out from the admin or a command", _TESTS.format("tests/coordination")),
    Row("5.3.5", _CO, "Watch after rollout: the same checks, scheduled", _TESTS.format("tests/coordination")),
    Row("5.3.6", _CO, "A final report with the evidence behind every row", _TESTS.format("tests/coordination")),
)


# Rows that a test run of a folder proves (`manage.py evidence junit`): those whose proof names the folder.
def rows_of_tests(folder: str) -> list[str]:
    """Return the rows whose proof is the tests in ``folder``, such as ``tests/archive``."""
    return [row.row for row in ROWS if f"Tests in {folder};" in row.proof]


# Every service's verifications, together, prove these.
TOGETHER = ("5.3.1", "5.3.2")
