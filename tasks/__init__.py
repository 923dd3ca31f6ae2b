"""One module or package per task: data, protocol, metrics. A task knows no method."""
