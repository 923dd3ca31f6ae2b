"""The figures as files (PDF, PNG) and as SVG for the page, each drawn wide and for a phone."""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from repro.report.document import Document
from repro.report.figures.content import FigureData
from repro.report.figures.data import Source, figure_data
from repro.report.figures.drawing import draw
from repro.report.figures.spec import FigureSpec, load_figures
from repro.report.figures.style import INK, method_styles, settings

#: Characters per line of the heading that the files carry.
_HEADING_WIDTH = 84


@dataclass(frozen=True)
class RenderedFigure:
    """One figure in all its forms. ``wide`` and ``narrow`` are SVG elements for the page."""

    spec: FigureSpec
    caption: str
    wide: str
    narrow: str
    pdf: bytes
    png: bytes


def render_figures(document: Document) -> list[RenderedFigure]:
    """Return the figures that have anything to show."""
    plan = document.plan
    styles = method_styles(plan.spec.methods, plan.spec.methods_with_role("method"))
    source = Source(plan, document.data, document.claims)
    rendered = []
    for spec in load_figures(plan.spec):
        data = figure_data(spec, source)
        if data.panels:
            wide, narrow = draw(data, styles), draw(data, styles, narrow=True)
            rendered.append(_render(document, data, wide, narrow))
    return rendered


def _render(document: Document, data: FigureData, wide: Figure, narrow: Figure) -> RenderedFigure:
    spec = data.spec
    sentences = [spec.caption, data.reading, *(f"{text}." for text in data.left_out)]
    caption = " ".join(filter(None, sentences))
    # The files leave the page, so they carry what its caption says: scale, seeds, device.
    title = textwrap.fill(f"{spec.title} ({document.banner})", _HEADING_WIDTH)
    heading = wide.suptitle(title, fontsize=9, color=INK)
    _freeze(wide)
    files = _files(wide)
    heading.set_visible(False)
    _freeze(narrow)
    return RenderedFigure(
        spec,
        caption,
        wide=_svg(wide, f"{spec.id}-wide", spec.title),
        narrow=_svg(narrow, f"{spec.id}-narrow", spec.title),
        **files,
    )


def _freeze(figure: Figure) -> None:
    """Place everything once, so that each format saved does not lay the figure out again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        with mpl.rc_context(settings()):
            engine.execute(figure)
    figure.set_layout_engine("none")


def _files(figure: Figure) -> dict[str, bytes]:
    """Return the figure as PDF and as PNG (160 dots per inch) on white.

    The canvases are called directly: ``savefig`` would draw everything twice.
    """
    pdf, png = io.BytesIO(), io.BytesIO()
    figure.set_facecolor("white")
    with mpl.rc_context(settings()):
        _print(FigureCanvasPdf(figure).print_pdf, pdf, {"CreationDate": None})
        figure.set_dpi(160)
        _print(FigureCanvasAgg(figure).print_png, png, {})
    figure.set_facecolor("none")
    return {"pdf": pdf.getvalue(), "png": png.getvalue()}


def _print(write: Any, buffer: io.IOBase, metadata: dict[str, None]) -> None:
    """Call a canvas's writer, which matplotlib leaves untyped."""
    write(buffer, metadata=metadata)


def _svg(figure: Figure, name: str, title: str) -> str:
    """Return the figure as an SVG element: the page's ink, its own ids, nothing from outside."""
    buffer = io.StringIO()
    with mpl.rc_context(settings()):
        _print(FigureCanvasSVG(figure).print_svg, buffer, {"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\s(xmlns(:\w+)?|width|height|version)="[^"]*"', "", text, count=5)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"\n\s*", "\n", text.replace(INK, "currentColor"))
    return text.replace("<svg", f'<svg role="img" aria-label="{_attribute(title)}"', 1)


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
