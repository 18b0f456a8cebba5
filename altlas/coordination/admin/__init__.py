from altlas.coordination.admin import daily, items, risks, rollouts, runs

__all__ = ["daily", "items", "risks", "rollouts", "runs"]
