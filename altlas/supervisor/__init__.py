"""Runs the processes of one machine: starts them, prefixes their output, restarts what dies, stops all of it."""
