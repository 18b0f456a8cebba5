"""Prometheus metrics of the model caches. Gauges are written by the one process that owns the state."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

HITS = Counter("altlas_model_hits_total", "Requests that found their model loaded.", ["model"])
MISSES = Counter("altlas_model_misses_total", "Requests that had to wait for a load.", ["model"])
LOADS = Counter("altlas_model_loads_total", "Loads by outcome.", ["model", "outcome"])
LOAD_SECONDS = Histogram(
    "altlas_model_load_seconds",
    "Time from fork to warm.",
    ["model"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300),
)
EVICTIONS = Counter("altlas_model_evictions_total", "Evictions by reason.", ["reason"])
REFUSALS = Counter("altlas_model_refusals_total", "Loads that were refused, by reason.", ["reason"])
RESTARTS = Counter("altlas_model_restarts_total", "Model processes that died, by cause.", ["model", "cause"])
FAILURES = Counter(
    "altlas_model_failures_total",
    "Requests that failed, by error code; no model where the catalogue named none.",
    ["model", "code"],
)
BYTES = Gauge("altlas_model_bytes", "Bytes charged, by state.", ["node", "state"], multiprocess_mode="livemostrecent")
BUDGET = Gauge("altlas_model_budget_bytes", "The node's byte budget.", ["node"], multiprocess_mode="livemostrecent")
QUEUE = Gauge("altlas_model_load_queue", "Loads that wait.", ["node"], multiprocess_mode="livemostrecent")
WAITING = Gauge("altlas_model_waiting", "Callers that wait for a load.", ["node"], multiprocess_mode="livemostrecent")
LEASES = Gauge("altlas_model_leases", "Leases held.", ["node"], multiprocess_mode="livemostrecent")
INFER_SECONDS = Histogram(
    "altlas_infer_seconds",
    "Inference on the node, from task to answer.",
    ["model"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BATCH_SIZE = Histogram(
    "altlas_model_batch_size",
    "Inputs that shared a forward pass.",
    ["model"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
WAIT_SECONDS = Histogram(
    "altlas_model_wait_seconds",
    "Time a request waited for its model to be loaded.",
    ["model"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120),
)
SHEDDING = Gauge(
    "altlas_model_shedding", "1 while the node refuses work for memory.", ["node"], multiprocess_mode="livemostrecent"
)
SCALED = Counter("altlas_model_scaled_total", "Processes added or taken away, by action.", ["model", "action"])
RECYCLED = Counter("altlas_model_recycled_total", "Processes replaced, by reason.", ["reason"])


def model_label(model: str) -> str:
    """Return the label of ``model``. Those of verifications are one: each run makes up names of its own, and a shared
    metrics file forgets none."""
    return "verification" if of_verification(model) else model


def of_verification(model: str) -> bool:
    """Return whether a verification has made up ``model`` (or the version that begins with it)."""
    return model.startswith("verification/")
