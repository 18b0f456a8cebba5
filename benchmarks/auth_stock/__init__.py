"""Stock simplejwt with rotation and its blacklist app, beside our own gateway in one process: what auth.py compares."""
