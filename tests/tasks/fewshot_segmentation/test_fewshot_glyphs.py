"""Canvases of glyphs: on a tiny copy of Omniglot, and on the real files where they are."""

import os
from pathlib import Path

import numpy as np
import pytest

from repro.data import find
from tasks.fewshot_segmentation import glyphs
from tasks.fewshot_segmentation.glyphs import OmniglotGlyphs, characters
from tasks.fewshot_segmentation.seeds import generator

REAL = Path(__file__).parents[4] / "shared" / "data"


def test_strokes_are_true_and_paper_false(omniglot_files):
    first = characters(glyphs.DEVELOPMENT)
    assert len(first) == 27
    drawings = first["First", "character01"]
    assert drawings.shape == (20, 105, 105)
    assert 0.03 < drawings.mean() < 0.15


def test_test_characters_are_of_other_alphabets(omniglot_files):
    known = {alphabet for alphabet, _ in characters(glyphs.DEVELOPMENT)}
    assert known == {"First", "Second"}
    tests = OmniglotGlyphs().tasks_from("test", 0, 64)
    assert len(tests.classes) == 15
    everything = np.stack([g for (a, _), g in characters(glyphs.TEST).items() if a == "Third"])
    assert len(everything) == 16


def test_every_scene_shows_its_character(omniglot_files):
    glyph = np.stack(list(characters(glyphs.DEVELOPMENT).values()))[:4]
    scenes = glyphs.compose(glyph, generator(0))
    own = np.array([scenes.areas[k, k // 20 + 1] for k in range(80)])
    assert own.min() >= scenes.least_area
    assert (scenes.areas[:, 1:] > 0).sum(1).max() == 2


def test_held_out_drawings_are_never_trained_on(omniglot_files):
    base = OmniglotGlyphs().base(0, 64)
    per_class = glyphs.COPIES * glyphs.DRAWINGS
    drawing = lambda numbers: {(k // per_class, k % per_class // glyphs.COPIES) for k in numbers}  # noqa: E731
    assert not drawing(base.train) & drawing(base.validation)
    assert len(base.train) == 15 * 16 * 3


def test_the_real_files_are_read(monkeypatch):
    if not REAL.is_dir() and not os.environ.get("REPRO_DATA"):
        pytest.skip("Omniglot is not on this machine")
    monkeypatch.setenv("REPRO_DATA", os.environ.get("REPRO_DATA") or str(REAL))
    if find(glyphs.DEVELOPMENT) is None:
        pytest.skip("Omniglot is not on this machine")
    tests = OmniglotGlyphs().tasks_from("test", 0, 64)
    assert tests.scenes.images.shape == (300, 64, 64, 3)
