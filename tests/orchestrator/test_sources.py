"""Sources: folders, packages and the hub; what is fetched, what is refused, and manifests that do not fit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from altlas.kernel.errors import InvalidInput
from orchestrator import estimates, manifest, services, snapshots, sources
from orchestrator.models import ModelVersion
from tests.orchestrator import tiny
from tests.orchestrator.support import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """As much of a hub as its client asks for: a repository's files at one commit."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.server.asked.append(self.path)
        path = self.path.split("?")[0]
        headers = {"X-Repo-Commit": COMMIT}
        if path.startswith("/api/models/org/tiny"):
            names = [{"rfilename": name} for name in self.server.files]
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": sha1(content).hexdigest()}
                for name, content in self.server.files.items()
            ]
            document = tree if "/tree/" in path else {"id": "org/tiny", "sha": COMMIT, "siblings": names}
            content: bytes | None = json.dumps(document).encode()
            headers["Content-Type"] = "application/json"
        else:
            name = path.rpartition(f"/org/tiny/resolve/{COMMIT}/")[2]
            content = self.server.files.get(name)
            headers["ETag"] = f'"{sha1(content or b"").hexdigest()}"'
        self.send_response(404 if content is None else 200)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if body and content:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = tiny.make(tmp_path / "made", "fill-mask")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    server = Hub({**files, "pytorch_model.bin": b"pickle", "modeling_tiny.py": b"raise SystemExit"})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def in_a_process(code: str, tmp_path: Path, endpoint: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1"}
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):  # a test before may have loaded a model in this process
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", f"from orchestrator import sources, manifest\n{code}"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_hub_model_is_fetched_once_without_code_or_pickles_and_pinned_to_its_commit(hub: Hub, tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{hub.server_address[1]}"
    code = (
        "folder = sources.fetch('hf://org/tiny')\n"
        "print(folder.name, sources.pinned('hf://org/tiny'))\n"
        "print(' '.join(manifest.build(folder)))\n"
    )
    done = in_a_process(code, tmp_path, endpoint)
    assert done.returncode == 0, done.stderr[-2000:]
    first, names = done.stdout.splitlines()
    assert first == f"{COMMIT} hf://org/tiny@{COMMIT}"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(names.split())
    assert not any(name.endswith((".bin", ".py")) for name in [*names.split(), *hub.asked])

    # From the cache alone: the hub is gone, the second time asks nobody.
    again = in_a_process(code, tmp_path, "http://127.0.0.1:9")
    assert again.returncode == 0 and again.stdout == done.stdout, again.stderr[-2000:]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("lost", ["tokenizer.json", "config.json", "model.safetensors"])
def test_a_snapshot_of_which_a_part_is_missing_is_completed_or_refused(
    hub: Hub, tmp_path: Path, lost: str, listed: bool
) -> None:
    endpoint = f"http://127.0.0.1:{hub.server_address[1]}"
    assert in_a_process("sources.fetch('hf://org/tiny')", tmp_path, endpoint).returncode == 0
    (folder,) = (tmp_path / "hub").rglob(f"snapshots/{COMMIT}")
    (folder / lost).unlink()
    if not listed:
        (folder.parents[1] / "trees" / f"{COMMIT}.json").unlink()

    code = "try:\n    print(sources.fetch('hf://org/tiny@main'))\nexcept sources.SourceError as exc:\n    print(exc)"
    refused = in_a_process(code, tmp_path, "http://127.0.0.1:9").stdout
    assert "only partly" in refused and lost in refused, refused
    assert "`hf download org/tiny --revision main`" in refused
    done = in_a_process(code, tmp_path, endpoint)
    assert done.stdout.strip() == str(folder) and (folder / lost).is_file(), done.stdout + done.stderr
    assert in_a_process(code, tmp_path, "http://127.0.0.1:9").stdout == done.stdout


MODEL = {"config.json": "{}", "tokenizer.json": "{}", "model.safetensors": ""}
SHARDS = {f"model-0000{number}-of-00002.safetensors": "" for number in (1, 2)}
INDEX = {"model.safetensors.index.json": json.dumps({"weight_map": dict(zip("ab", SHARDS, strict=True))})}
POOLED = {"modules.json": json.dumps([{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])}


@pytest.mark.parametrize(
    ("files", "without", "lacking"),
    [
        (MODEL, [], []),
        (MODEL, ["config.json"], ["config.json"]),
        (MODEL, ["model.safetensors"], ["model.safetensors"]),
        (MODEL, ["tokenizer.json"], ["tokenizer.json"]),
        (MODEL | {"vocab.txt": ""}, ["tokenizer.json"], []),
        (MODEL | {"vocab.json": ""}, ["tokenizer.json"], ["tokenizer.json"]),
        (MODEL | {"vocab.json": "", "merges.txt": ""}, ["tokenizer.json"], []),
        (MODEL | {"spiece.model": ""}, ["tokenizer.json"], []),
        (MODEL | SHARDS | INDEX, ["model.safetensors"], []),
        (MODEL | SHARDS | INDEX, ["model.safetensors", "model-00002-of-00002.safetensors"], list(SHARDS)[1:]),
        (MODEL | INDEX, ["model.safetensors"], list(SHARDS)),
        (MODEL | SHARDS, ["model.safetensors"], ["model.safetensors.index.json"]),
        (MODEL | SHARDS, [], []),
        (MODEL | POOLED, [], ["1_Pooling/config.json"]),
        (MODEL | POOLED | {"1_Pooling/config.json": "{}"}, [], []),
        (MODEL | {"modules.json": "7", "model.safetensors.index.json": "no JSON"}, [], []),
        (MODEL | {"modules.json": "{}", "model.safetensors.index.json": "[7]"}, [], []),
    ],
)
def test_a_snapshot_without_a_listing_is_whole_with_what_every_loader_opens(
    tmp_path: Path, files: dict[str, str], without: list[str], lacking: list[str]
) -> None:
    folder = tmp_path / "snapshots" / COMMIT
    for name, content in files.items():
        if name not in without:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
    assert snapshots.missing(folder) == lacking


def test_a_hub_that_cannot_be_reached_is_said_so(tmp_path: Path) -> None:
    code = "try:\n    sources.fetch('hf://org/other')\nexcept sources.SourceError as exc:\n    print(exc)"
    done = in_a_process(code, tmp_path, "http://127.0.0.1:9")
    assert "hf://org/other" in done.stdout and "hf download org/other" in done.stdout, done.stdout + done.stderr


def test_a_model_that_the_hub_has_not_is_said_so(hub: Hub, tmp_path: Path) -> None:
    code = "try:\n    sources.fetch('hf://org/missing')\nexcept sources.SourceError as exc:\n    print(exc)"
    done = in_a_process(code, tmp_path, f"http://127.0.0.1:{hub.server_address[1]}")
    assert "hf://org/missing" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ftp://x", "is no source"),
        ("folder:///nowhere/at/all", "is not there"),
        ("package://no_such_package/x", "not installed"),
        ("package://../etc/x", "not installed"),
        ("hf://not a name", "hf://not a name"),
    ],
)
def test_a_source_that_cannot_be_used_says_what_to_do(source: str, said: str) -> None:
    with pytest.raises(sources.SourceError, match=said):
        sources.resolve(source)


@pytest.mark.django_db
def test_a_folder_with_unreadable_weights_is_refused_at_registration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(InvalidInput, match="no safetensors file"):
        services.model_register(name="m", task="fill-mask", source=f"folder://{tmp_path}", version="1")
    assert not ModelVersion.objects.filter(model__name="m").exists()


@pytest.mark.django_db
def test_registration_keeps_every_files_sum_and_a_change_is_another_version(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path, "fill-mask")
    row = services.model_register(name="m", task="fill-mask", source=f"folder://{folder}", version="1")
    assert set(row.manifest) == {path.name for path in folder.iterdir()}
    manifest.verify(folder, row.manifest)
    added = folder / "modules.json"  # would be found by name, and change what the model answers
    added.write_text("[]")
    with pytest.raises(manifest.ManifestError, match=r"modules\.json is not among the files that were registered"):
        manifest.verify(folder, row.manifest)
    added.unlink()
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    with pytest.raises(manifest.ManifestError, match=r"config\.json"):
        manifest.verify(folder, row.manifest)


def test_narrow_weights_are_estimated_as_wide_as_they_will_be_opened(tmp_path: Path) -> None:
    import numpy as np

    for name, kind in (("half", np.float16), ("whole", np.float32), ("numbers", np.int64)):
        save_file({"w": np.zeros((100, 10), dtype=kind)}, tmp_path / f"{name}.safetensors")
    sizes = [estimates.opened_bytes(tmp_path / f"{name}.safetensors") for name in ("half", "whole", "numbers")]
    assert sizes == [4000, 4000, 8000]


@pytest.mark.parametrize("task", ["fill-mask", "text-generation"])
def test_answers_over_the_vocabulary_count_in_the_estimate(tmp_path: Path, task: str) -> None:
    folder = tiny.make(tmp_path, task)
    found = manifest.build(folder)
    small = estimates.memory_bytes(folder, found, task=task, batch_tokens=0)
    large = estimates.memory_bytes(folder, found, task=task, batch_tokens=1024)
    assert small > estimates.OVERHEAD_BYTES and large - small >= 1024 * len(tiny.WORDS) * 4
