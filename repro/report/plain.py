"""The report's table as plain text, for the terminal, and as Markdown."""

from __future__ import annotations

import dataclasses
import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from tabulate import tabulate

from repro.cells.aggregate import dataset_entry
from repro.claims import ClaimVerdict, describe_p
from repro.report import loss_profile, wording
from repro.report import parts as words
from repro.report.document import Document
from repro.report.table import Entry, Row, Table

#: Columns of a terminal that the table should fit.
WIDTH = 100


def terminal_text(document: Document) -> str:
    """Return the headline tables, split by data set where they are wider than the terminal."""
    parts = []
    for table in document.tables:
        parts.append(f"{table.title} ({document.banner})")
        parts += _fitting(table)
    parts.append(textwrap.fill(_legend(document), WIDTH))
    return "\n".join(parts)


def markdown(document: Document) -> str:
    """Return tables, claims and deviations as Markdown."""
    spec = document.plan.spec
    parts = [f"# {spec.title}", f"**{document.sentence}**", *document.notes]
    for table in document.tables:
        parts.append(f"## {table.title}")
        parts.append(_grid(table, range(len(table.columns)), "pipe", paper=_paper(document)))
        parts.append(f"{document.banner}. {_legend(document)}")
    parts += [*_against_paper(document), *_overall(document), "## Claims"]
    parts += [_claim(verdict, document) for verdict in document.claims]
    if document.claims:
        parts.append(wording.INTERVALS)
    if any(map(words.has_likelihood, document.claims)):
        parts.append(words.LIKELIHOOD_MEANS)
    if document.second_stage:
        parts.append(f"{document.second_stage.sentence} {wording.SECOND_STAGE}")
    parts += [*_tuning(document), *_losses(document)]
    if spec.deviations:
        parts += ["## Deviations", _list(spec.deviations)]
    parts += ["## Spec", " ".join(document.provenance.seal)]
    return "\n\n".join(parts) + "\n"


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def _against_paper(document: Document) -> list[str]:
    sentences = words.verdict_sentences(document)
    if not sentences:
        return []
    lines = [f"**{place}**: {mark.text}. {mark.sentence}" for place, mark in sentences]
    return ["## Against the printed numbers", document.printed_note, _list(lines)]


def _overall(document: Document) -> list[str]:
    """Return a table for each statistic over all data sets."""
    parts = ["## Over all data sets"] if document.overall else []
    for block in words.overall_blocks(document):
        rows = [
            [
                row.label,
                words.overall_value(row, document.plan.spec),
                words.overall_interval(row, document.plan.spec),
                row.note,
            ]
            for row in block.rows
        ]
        headers = ["", "value", "95 % interval", "remarks"]
        parts.append(f"{block.title}" + (f": {block.how}." if block.how else "."))
        parts.append(tabulate(rows, headers, tablefmt="pipe", disable_numparse=True))
    return parts


def _claim(verdict: ClaimVerdict, document: Document) -> str:
    text = (
        f"- {wording.SYMBOLS[verdict.verdict]} **{verdict.verdict}** — “{verdict.claim.text}” "
        f"({'our control' if verdict.claim.ours else verdict.claim.source}). {_judged(verdict)}"
    )
    text += _likelihoods(verdict)
    second = document.second_stage and document.second_stage.verdict_on(verdict.claim.id)
    if not second:
        return text
    mark = f"{wording.SYMBOLS[second.verdict]} **{second.verdict}**"
    text += f"\n  Second stage, on seeds of its own: {mark}. {_judged(second)}"
    return text + _likelihoods(second)


def _likelihoods(verdict: ClaimVerdict) -> str:
    """Return the intervals of a curve's parameter by profile likelihood, in a line of their own."""
    if not words.has_likelihood(verdict):
        return ""
    found = ((finding.place, words.likelihood(finding)) for finding in verdict.findings)
    ends = "; ".join(f"{place} {interval or '—'}" for place, interval in found)
    label = verdict.findings[0].estimate_label
    return f"\n  {label.capitalize()}, {words.LIKELIHOOD}: {ends}."


def _judged(verdict: ClaimVerdict) -> str:
    p = f"p {describe_p(verdict.p_holm)} after Holm over {verdict.family}."
    return f"{verdict.sentence} {p}"


def _tuning(document: Document) -> list[str]:
    if document.tuning is None:
        return []
    rows = [
        [
            effort.label,
            choice.dataset,
            choice.tried,
            choice.words,
            wording.duration(choice.seconds),
            more,
        ]
        for effort in document.tuning.efforts
        for choice, more in zip(effort.choices, _once(effort.more), strict=False)
    ]
    headers = ["method", "data set", "tried", "chosen", "time", "more than a rival"]
    table = tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)
    return ["## Tuning", document.tuning.selected, table]


def _losses(document: Document) -> list[str]:
    """Return a table for each device that the paper's losses were measured on."""
    parts = [f"## {loss_profile.TITLE}"] if document.loss_profiles else []
    for profile in document.loss_profiles:
        rows = [dataclasses.astuple(row) for row in profile.rows]
        table = tabulate(rows, loss_profile.HEADERS, tablefmt="pipe", disable_numparse=True)
        parts += [f"{profile.caption}.", table]
        parts += [profile.missing_note] if profile.missing else []
    return parts


def _once(text: str) -> Iterator[str]:
    """Yield ``text``, then nothing for ever."""
    return itertools.chain([text], itertools.repeat(""))


def _legend(document: Document) -> str:
    plan = document.plan
    resplit = any(dataset_entry(plan.spec, name).resplit > 0 for name in plan.datasets)
    text = wording.MEANS
    if any(table.has_best for table in document.tables):
        text += f" {wording.BEST} {wording.BEST_MEANS}."
    if resplit:
        text += " Intervals over re-splits of one table use the corrected variance."
    return text


def _fitting(table: Table) -> list[str]:
    """Return the table in as few blocks of columns as fit the terminal's width."""
    blocks: list[list[int]] = []
    for index in range(len(table.columns)):
        trial = [*blocks[-1], index] if blocks else [index]
        wide = max(map(len, _grid(table, trial, "simple").splitlines())) > WIDTH
        if not blocks or wide:
            blocks.append([index])
        else:
            blocks[-1] = trial
    return [_grid(table, block, "simple") for block in blocks]


def _grid(table: Table, columns: Sequence[int], style: str, paper: str = "") -> str:
    headers = ["", *(table.columns[index].label for index in columns)]
    rows = [_line(row, columns, paper) for row in table.rows]
    return tabulate(rows, headers, tablefmt=style, disable_numparse=True)


def _line(row: Row, columns: Sequence[int], paper: str) -> list[str]:
    return [row.label, *(_text(row.entries[index], paper) for index in columns)]


def _paper(document: Document) -> str:
    return "paper" if document.plan.scale_name == "paper" else "paper, not compared"


def _text(entry: Entry, paper: str) -> str:
    printed = f" ({paper}: {entry.reported})" if paper and entry.reported else ""
    return entry.text.replace(" ± ", "±") + printed
