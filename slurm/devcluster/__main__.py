"""The command line of a cluster: ``python -m slurm.devcluster``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from repro.errors import EXIT_USER_ERROR, UserError
from slurm.devcluster import faults
from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.settings import ClusterSettings

app = typer.Typer(
    name="devcluster",
    help="A real SLURM on this machine, with simulated nodes and GPUs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Directory = Annotated[
    Path | None,
    typer.Option(envvar="KLAIM_CLUSTER", help="Where it lies [~/.local/state/klaim/devcluster]."),
]
Nodes = Annotated[int, typer.Option(help="Simulated nodes.")]
Cpus = Annotated[int, typer.Option(help="CPUs of each node.")]
Memory = Annotated[int, typer.Option(help="Memory of each node, in MiB.")]
Gpus = Annotated[int, typer.Option(help="GPUs of each node: names, with nothing behind them.")]
MaxArraySize = Annotated[int, typer.Option(help="SLURM's MaxArraySize.")]
Accounting = Annotated[bool, typer.Option("--accounting", help="With slurmdbd and MariaDB.")]
Node = Annotated[str, typer.Argument(help="A node's name: node1, node2, …")]

_DEFAULT = ClusterSettings()


def main() -> None:
    """Run the command line. A user's mistake ends in one line and exit status 2."""
    try:
        app()
    except UserError as error:
        print(f"devcluster: {error}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


@app.command()
def up(
    directory: Directory = None,
    nodes: Nodes = _DEFAULT.nodes,
    cpus: Cpus = _DEFAULT.cpus_per_node,
    memory: Memory = _DEFAULT.memory_per_node,
    gpus: Gpus = _DEFAULT.gpus_per_node,
    max_array_size: MaxArraySize = _DEFAULT.max_array_size,
    accounting: Accounting = False,
) -> None:
    """Start the cluster; say how to use it."""
    settings = ClusterSettings(
        nodes=nodes,
        cpus_per_node=cpus,
        memory_per_node=memory,
        gpus_per_node=gpus,
        max_array_size=max_array_size,
        accounting=accounting,
    )
    cluster = DevCluster.at(directory)
    started = cluster.up(settings)
    state = "The cluster runs" if started else "The cluster runs already"
    print(
        f"{state}: `make reproduce PAPER=<key> LAUNCHER=slurm CLUSTER=devcluster` uses it, "
        f"and so do sbatch and squeue after `source {cluster.paths.environment}`."
    )
    if cluster.record.loopback.prefix:
        print(
            "Outside of jobs srun and salloc do not work here: "
            "this machine's name does not stand for 127.0.0.1."
        )


@app.command()
def down(directory: Directory = None) -> None:
    """End the cluster and its jobs, and nothing else."""
    cluster = DevCluster.at(directory)
    stopped = cluster.down()
    print("The cluster is stopped." if stopped else "No cluster runs.")


@app.command()
def crash(node: Node, directory: Directory = None) -> None:
    """Kill all that runs on a node; its jobs start anew on another."""
    faults.crash_node(DevCluster.at(directory), node)


@app.command()
def revive(node: Node, directory: Directory = None) -> None:
    """Start a crashed node again."""
    faults.revive_node(DevCluster.at(directory), node)


@app.command()
def restart_controller(directory: Directory = None) -> None:
    """Stop the controller and start it again; jobs go on."""
    cluster = DevCluster.at(directory)
    faults.stop_controller(cluster)
    faults.start_controller(cluster)


if __name__ == "__main__":
    main()
