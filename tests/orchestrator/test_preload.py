"""What model processes share: imported once, without what inference never uses, and harmless to whoever wants that."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.orchestrator.support import minilm, supervised, within

ROOT = Path(__file__).parents[2]
HEAVY = ("sympy", "scipy", "sklearn", "torch._dynamo", "torch._inductor", "torch.distributed.tensor")


def printed(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_neither_import_nor_load_nor_forward_pass_bring_in_what_inference_never_uses() -> None:
    assert (
        printed(f"""
            import sys
            import orchestrator.runner.preload
            from orchestrator.runner.loaders import loader_for
            from orchestrator.runner.loaders.base import LoadOrder
            from orchestrator.runner.rehearsal import rehearse
            from pathlib import Path
            rehearse()
            loader = loader_for("sentence-embedding")
            loader.load(LoadOrder(folder=Path({str(minilm().folder)!r}), threads=1))
            loader.warm_up()
            print([name for name in {HEAVY!r} if name in sys.modules])
        """)
        == "[]"
    )


def test_what_was_held_back_is_the_real_thing_for_whoever_asks_later() -> None:
    assert (
        printed("""
            from orchestrator.runner.preload import torch
            assert torch.distributed.is_available()
            import torch.distributed.tensor, torch._dynamo, scipy, sympy
            marked = torch.compiler.disable(lambda: 1)
            assert getattr(marked, "_torchdynamo_disable", False), "a function that is marked for the compiler"
            assert torch._dynamo.config is not None and scipy.__version__ and sympy.__version__
            exported = torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),))
            print(type(exported).__name__)
        """)
        == "ExportedProgram"
    )


def test_unmapping_takes_pages_of_libraries_and_nothing_that_was_written() -> None:
    before, after, same = printed("""
        from orchestrator.runner.preload import torch
        from orchestrator.runner.memory import unmap_unused
        from pathlib import Path
        def mapped():
            return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssFile"))
        torch.manual_seed(7)
        layer, given = torch.nn.Linear(64, 64), torch.ones(8, 64)
        first, before = layer(given), mapped()
        unmap_unused()
        after = mapped()
        import json, decimal, sqlite3  # libraries that were not there yet, and those that were
        print(before, after, bool((layer(given) == first).all()))
    """).split()
    assert int(after) < int(before) / 3
    assert same == "True"


def test_a_runner_computes_in_more_threads_than_the_fork_server_rehearsed_with() -> None:
    texts = [f"sentence number {number} " * 20 for number in range(16)]
    with supervised(preload="orchestrator.runner.preload", threads=1) as scene:
        alone = scene.supervisor.infer(minilm(), texts, deadline=within(120))
    with supervised(preload="orchestrator.runner.preload", threads=2) as scene:
        both = scene.supervisor.infer(minilm(), texts, deadline=within(120))
        names = Path(f"/proc/{scene.pid(minilm().key.model)}/task")
        assert len(list(names.iterdir())) >= 3, "reader, main thread and one of OpenMP's"
    import numpy as np

    left, right = (np.frombuffer(answer["data"], "<f4") for answer in (alone, both))
    assert np.abs(left - right).max() < 1e-5
