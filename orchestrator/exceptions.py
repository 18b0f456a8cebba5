"""Errors of the orchestrator.

    NotFound
    ├── ModelNotFound         model_not_found         no such model or version
    ├── NodeNotFound          node_not_found
    └── JobNotFound           load_job_not_found
    Conflict
    ├── LastNode              last_node               no other node could serve the models
    └── ModelExists           model_exists            the version is registered with other content
    Unprocessable
    ├── ModelUnloadable       model_unloadable        permanent: wrong content, wrong architecture, never fits
    └── TaskMismatch          task_mismatch           the model serves another task
    Unavailable
    ├── ModelUnavailable      model_unavailable       not loaded now; `retry_after` says when a try makes sense
    ├── RunnerCrashed         runner_crashed          the model's process died under this request
    ├── NodeUnavailable       node_unavailable        no node is alive
    ├── MemoryPressure        memory_pressure         the node's memory is above its hard limit
    └── LoadQueueFull         load_queue_full
    DeadlineExceeded
    └── InferenceTimeout      inference_timeout

They travel from a node to the web process as code and detail (``to_wire``) and rise there as the same class.
"""

from __future__ import annotations

from typing import Any

from altlas.kernel import errors


class ModelNotFound(errors.NotFound):
    code = "model_not_found"
    title = "Model not found"


class NodeNotFound(errors.NotFound):
    code = "node_not_found"
    title = "Node not found"


class JobNotFound(errors.NotFound):
    code = "load_job_not_found"
    title = "Load job not found"


class LastNode(errors.Conflict):
    """It cannot be drained: nobody else could serve its models."""

    code = "last_node"
    title = "Only node in service"


class ModelExists(errors.Conflict):
    code = "model_exists"
    title = "Model version exists"


class InputTooLarge(errors.TooLarge):
    code = "input_too_large"
    title = "Input too large"


class ModelUnloadable(errors.Unprocessable):
    """The version cannot be served as it is; trying again does not help."""

    code = "model_unloadable"
    title = "Model cannot be loaded"


class TaskMismatch(errors.Unprocessable):
    code = "task_mismatch"
    title = "Wrong task for this model"


class InvalidInputs(errors.InvalidInput):
    """The model refused the inputs; the process lives on."""

    code = "invalid_inputs"
    title = "Invalid inputs"


class ModelUnavailable(errors.Unavailable):
    code = "model_unavailable"
    title = "Model unavailable"


class RunnerCrashed(errors.Unavailable):
    code = "runner_crashed"
    title = "Model process ended"
    default_retry_after = 1


class NodeUnavailable(errors.Unavailable):
    code = "node_unavailable"
    title = "No node available"


class MemoryPressure(errors.Unavailable):
    """The node refuses new work rather than be killed for memory."""

    code = "memory_pressure"
    title = "Memory is nearly full"
    default_retry_after = 2


class LoadQueueFull(errors.Unavailable):
    code = "load_queue_full"
    title = "Too many loads are waiting"


class InferenceTimeout(errors.DeadlineExceeded):
    code = "inference_timeout"
    title = "Inference took too long"


class InferenceFailed(errors.AltlasError):
    """The model raised; a defect of the model or of its loader."""

    code = "inference_failed"
    title = "Inference failed"


TRAVELLING: dict[str, type[errors.AltlasError]] = {
    kind.code: kind
    for kind in (
        ModelNotFound,
        NodeNotFound,
        JobNotFound,
        LastNode,
        ModelExists,
        InputTooLarge,
        ModelUnloadable,
        TaskMismatch,
        InvalidInputs,
        ModelUnavailable,
        RunnerCrashed,
        NodeUnavailable,
        LoadQueueFull,
        MemoryPressure,
        InferenceTimeout,
        InferenceFailed,
        errors.InvalidInput,
        errors.Unavailable,
    )
}


def to_wire(error: errors.AltlasError) -> dict[str, Any]:
    return {"code": error.code, "detail": error.detail, "retry_after": error.retry_after}


def from_wire(wire: dict[str, Any]) -> errors.AltlasError:
    """Return the error that ``to_wire`` described; a code unknown here becomes ``InferenceFailed``."""
    kind = TRAVELLING.get(wire.get("code", ""), InferenceFailed)
    return kind(wire.get("detail", ""), retry_after=wire.get("retry_after"))
