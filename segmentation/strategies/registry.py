"""The strategies by name."""

from __future__ import annotations

from collections.abc import Callable

from segmentation.strategies import chunk, command, sentence, topic
from segmentation.strategies.contract import Encoder, Job, Outcome, Watch

Strategy = Callable[[Job, Encoder, Watch], Outcome]
STRATEGIES: dict[str, Strategy] = {
    "sentence": sentence.run,
    "topic": topic.run,
    "chunk": chunk.run,
    "command": command.run,
}
