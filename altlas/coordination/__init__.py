"""Is it really fixed? Verifications, work items, risks, the daily run, rollouts and the final report.

At the height of wiring: it may read every app's public services, and nobody imports it.
"""
