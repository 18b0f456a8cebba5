"""Strategies: what a request asks for, put together from the algorithms and an encoder. No Django here."""
