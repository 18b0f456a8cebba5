"""The model process: the only place where torch is imported, and where Django never is.

A runner is forked from ``forkserver`` (which has torch and transformers in memory), loads one model version, and
answers requests over a socket. It ends when the process that owns it ends, whatever ended that.
"""
