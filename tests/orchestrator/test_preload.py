"""What model processes share: imported once, without what inference never uses, and harmless to whoever wants that."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.orchestrator.support import minilm, supervised, within

ROOT = Path(__file__).parents[2]
HEAVY = ("sympy", "scipy", "sklearn", "torch._dynamo", "torch._inductor", "torch.distributed.tensor", "torch._refs")


def printed(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
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


@pytest.mark.parametrize("first", ["_meta_registrations", "_decomp", "_prims", "_refs", "_refs.nn.functional"])
def test_shapes_of_operators_can_be_asked_for_from_any_side(first: str) -> None:
    """They and their neighbours import one another, so that plain torch always begins on the same side."""
    assert (
        printed(f"""
            from orchestrator.runner.preload import torch
            import torch.{first}
            from torch._decomp import decomposition_table, global_decomposition_table
            print(len(decomposition_table) > 500, len(global_decomposition_table["meta"]) > 300)
        """)
        == "True True"
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


_ANSWERS = """
    import sys, torch, transformers
    from pathlib import Path
    folder, small = Path(sys.argv[1]), dict(vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=2)
    kinds = {"bert": small, "gpt2": dict(vocab_size=99, n_embd=32, n_layer=2, n_head=2), "llama": small,
             "distilbert": dict(vocab_size=99, dim=32, n_layers=2, n_heads=2, hidden_dim=64), "deberta-v2": small,
             "ctrl": dict(vocab_size=99, n_embd=32, n_layer=2, n_head=2, n_positions=64, dff=64)}  # asks for shapes
    for kind, sizes in kinds.items():
        if not (folder / kind).exists():
            torch.manual_seed(7)
            config = transformers.AutoConfig.for_model(kind, **sizes)
            transformers.AutoModel.from_config(config).save_pretrained(folder / kind)
        with torch.inference_mode():
            answer = opened(folder / kind).eval()(input_ids=torch.arange(5, 25).reshape(2, 10)).last_hidden_state
        print(kind, answer.double().sum().item(), answer.double().abs().max().item())
"""


def test_models_come_out_as_by_transformers_alone(tmp_path: Path) -> None:
    """Buffers, which no file has, are what can go wrong where a model is made without storage first."""
    plain = """
    import transformers
    def opened(folder): return transformers.AutoModel.from_pretrained(folder, dtype="float32")
    """
    ours = """
    import orchestrator.runner.preload
    from orchestrator.runner.loaders.opening import open_weights
    def opened(folder): return open_weights("AutoModel", folder)
    """
    wanted, found = (printed(textwrap.dedent(way) + textwrap.dedent(_ANSWERS), str(tmp_path)) for way in (plain, ours))
    assert len(wanted.splitlines()) == 6
    assert found == wanted


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
