"""``make rules``: writes the rules of deploy/prometheus/ as the Prometheus operator takes them, in one object."""

from __future__ import annotations

import textwrap
from pathlib import Path

PROMETHEUS = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
OBJECT = PROMETHEUS.parent / "kubernetes" / "overlays" / "example" / "prometheus-rules.yaml"
_HEAD = """# The rules of deploy/prometheus/ as the Prometheus operator takes them; `make rules` writes this file.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: altlas
  labels:
    prometheus: k8s
    role: alert-rules
spec:
  groups:
"""


def files() -> list[Path]:
    return sorted(PROMETHEUS.glob("*.rules.yml"))


def composed() -> str:
    groups = [path.read_text(encoding="utf-8").partition("groups:\n")[2] for path in files()]
    return _HEAD + "".join(textwrap.indent(group, "  ") for group in groups)


if __name__ == "__main__":
    OBJECT.write_text(composed(), encoding="utf-8")
