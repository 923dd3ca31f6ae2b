"""The results of a record as rows, and these as Markdown and LaTeX tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from losses.profile.record import of_copy_rate, of_product_rate, timed

HEAD = (
    "Operation",
    "Variant",
    "Mode",
    "ms (95 %)",
    "kernels ms",
    "wall ms",
    "of copy rate",
    "of product rate",
    "against ours",
    "extra MB",
    "gradient's error",
)


def rows(record: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return one row of text per result, in the order of the record."""
    return [_row(record, result) for result in record["results"]]


def markdown(record: dict[str, Any]) -> str:
    """Return the results as a Markdown table."""
    lines = [HEAD, tuple("---" if i < 3 else "---:" for i in range(len(HEAD))), *rows(record)]
    return _markdown(lines)


def compiled_kernels(record: dict[str, Any]) -> str:
    """Return registers, spills and shared memory of our kernels as a Markdown table.

    Empty where none was compiled. On a GPU these are the kernels that ran, elsewhere those that
    were compiled for one.
    """
    ran = [
        (f"{result['operation']}, {result['mode']}", kernel)
        for result in record["results"]
        for kernel in result.get("compiled", [])
    ]
    ahead = [(f"compiled for sm_{kernel['capability']}", kernel) for kernel in record["compiled"]]
    head = ("Kernel", "Where", "Registers", "Spilled words", "Shared bytes", "Warps")
    names = ("registers", "spills", "shared", "warps")
    lines = [
        (kernel["kernel"], where, *(str(kernel[name]) for name in names))
        for where, kernel in ran + ahead
    ]
    return _markdown([head, ("---", "---", *["---:"] * len(names)), *lines]) if lines else ""


def latex(record: dict[str, Any]) -> str:
    """Return the results as a LaTeX tabular of the booktabs package, with device and date above."""
    body = "".join(f"  {' & '.join(_escaped(cell) for cell in row)} \\\\\n" for row in rows(record))
    head = " & ".join(_escaped(cell) for cell in HEAD)
    return (
        f"% {record['device']['name']}, {record['timestamp']}\n"
        f"\\begin{{tabular}}{{lll{'r' * (len(HEAD) - 3)}}}\n  \\toprule\n  {head} \\\\\n"
        f"  \\midrule\n{body}  \\bottomrule\n\\end{{tabular}}\n"
    )


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(record: dict[str, Any], result: dict[str, Any]) -> tuple[str, ...]:
    names = (f"{result['operation']} ({_shape(result)})", result["variant"], result["mode"])
    if "time_ms" not in result:
        return (*names, result.get("error", "not measured"), *[""] * (len(HEAD) - 4))
    event = result["time_ms"]
    low, high = event["interval"]
    own = timed(record, result["operation"], result["mode"]).get("ours")
    ratio = event["p50"] / own["time_ms"]["p50"] if own else None
    errors = result.get("relative_error", [])
    return (
        *names,
        f"{event['p50']:.3f} ({low:.3f}–{high:.3f})",
        _number(result.get("kernel_ms"), "{:.3f}"),
        _number(result.get("wall_ms", {}).get("p50"), "{:.3f}"),
        _number(of_copy_rate(record, result), "{:.0%}"),
        _number(of_product_rate(record, result), "{:.0%}"),
        _number(ratio, "{:.2f}×"),
        _number(result.get("peak_bytes"), "{:.0f}", 1e-6),
        _number(max(errors[1:], default=None), "{:.1e}"),
    )


def _shape(result: dict[str, Any]) -> str:
    return " × ".join(str(size) for size in result["shape"].values()) + f" {result['dtype']}"


def _number(value: float | None, form: str, scale: float = 1.0) -> str:
    return "" if value is None else form.format(value * scale)


def _escaped(text: str) -> str:
    for plain, safe in (("_", r"\_"), ("%", r"\%"), ("×", r"$\times$"), ("–", "--")):
        text = text.replace(plain, safe)
    return text
