"""A user's own table as a regression: what is read from the file, with a numeric target."""

from __future__ import annotations

from tasks.regression.split import Examples
from tasks.tables.user_file import numeric_target, read_user_table


def parse_user_file(dataset: str) -> Examples:
    """Return inputs and target of ``file:<path>[?target=<column>]``.

    What the file must be stands at :func:`tasks.tables.user_file.read_user_table`; the target is
    numeric and not the same in every row.
    """
    table = read_user_table(dataset)
    return Examples(table.inputs, numeric_target(table))
