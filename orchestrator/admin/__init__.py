from orchestrator.admin import catalogue, events, memory, nodes, versions

__all__ = ["catalogue", "events", "memory", "nodes", "versions"]
