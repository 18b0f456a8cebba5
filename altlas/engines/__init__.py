"""Embedded PostgreSQL and Redis for machines that have none.

Django-free: it runs before settings are loaded. The engines live in ``ALTLAS_HOME`` and are shared by every process
that holds them (``hold.py``); the last one to let go stops them.
"""
