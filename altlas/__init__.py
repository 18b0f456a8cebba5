"""Wiring of ALT_LAS: settings, routes, processes."""
