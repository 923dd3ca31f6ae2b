"""Launchers: the same worker, started in this process, on this machine, or on a cluster."""
