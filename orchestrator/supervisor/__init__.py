"""The node's side: owns the runners of this machine and decides what stays in memory."""
