"""A real SLURM on one machine: several simulated nodes with generic GPUs, in one directory.

``python -m slurm.devcluster --help`` shows its commands; ``make cluster-up`` and ``make
cluster-down`` are the user's door.
"""
