from orchestrator.admin import catalogue, events, memory, nodes

__all__ = ["catalogue", "events", "memory", "nodes"]
