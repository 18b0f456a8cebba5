"""What an inference request may carry to a node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgpack

from orchestrator import exceptions
from orchestrator.conf import conf


def inputs_check(inputs: Sequence[Any], params: Mapping[str, Any]) -> None:
    """Raises: InputTooLarge; InvalidInputs: they are of another kind, or no frame to a node can hold them."""
    if len(inputs) > conf.max_inputs:
        raise exceptions.InputTooLarge(f"{len(inputs)} inputs; at most {conf.max_inputs} go into one request.")
    characters = sum(map(_size, inputs))
    if characters > conf.max_characters:
        raise exceptions.InputTooLarge(f"{characters} characters; at most {conf.max_characters} go into one request.")
    try:
        msgpack.packb([list(inputs), dict(params)])
    except UnicodeEncodeError as exc:
        half = ord(exc.object[exc.start])
        raise exceptions.InvalidInputs(f"A text has the lone surrogate U+{half:04X}, which is no character.") from None
    except (OverflowError, ValueError):
        raise exceptions.InvalidInputs("A number does not fit 64 bits, or lists are nested too deeply.") from None


def _size(value: Any) -> int:
    """Return the characters of a text or of the texts in a list; a token id counts as one."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | tuple) and all(isinstance(part, str | int) for part in value):
        return sum(len(part) if isinstance(part, str) else 1 for part in value)
    raise exceptions.InvalidInputs("Inputs are texts, pairs of texts or lists of token ids.")
