from orchestrator.admin import catalogue, events, nodes

__all__ = ["catalogue", "events", "nodes"]
