"""Generated scenes: lobed blobs, each class a texture, on smooth colour noise.

A class is a pattern (stripes, checks or rings) with a frequency, an angle and two colours. Every
object has a shape, a size, a phase and small changes of angle, frequency and colours of its own, so
that neither shape nor colour alone tells a class. The shifted domain mixes the colour channels,
lowers the contrast, and adds noise.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import interpolate

from tasks.fewshot_segmentation.scenes import ScenesInMemory

SIZE = 64  # pixels a side
PATTERNS = 3  # stripes, checks, rings
MOST_OBJECTS = 3
TARGET_SHARE = (0.03, 0.40)  # of the image; the share of other objects goes up to 0.15
OTHER_SHARE = (0.03, 0.15)

#: The shifted domain: rows are new channels, columns old ones; then contrast and noise.
CHANNEL_MIX = ((0.2, 0.8, 0.0), (0.0, 0.3, 0.7), (0.8, 0.0, 0.2))
SHIFTED_CONTRAST = 0.6
SHIFTED_NOISE = 27  # levels of 255, either way, uniform
NOISE = 9

Array = npt.NDArray[np.floating[Any]]
Random = np.random.RandomState


class Textures(NamedTuple):
    """Classes, one a row: pattern (n,), frequency and angle (n,), two colours (n, 2, 3)."""

    pattern: npt.NDArray[np.int64]
    frequency: Array
    angle: Array
    colours: Array

    def chosen(self, rows: npt.NDArray[np.intp]) -> Textures:
        """Return the classes at ``rows``, of any shape."""
        return Textures(
            self.pattern[rows], self.frequency[rows], self.angle[rows], self.colours[rows]
        )


def draw_textures(n: int, random: Random) -> Textures:
    """Draw ``n`` classes. Colours of a class differ by at least 0.25 in mean absolute channel."""
    first = random.uniform(0.1, 0.9, (n, 3))
    step = random.uniform(0.25, 0.45, (n, 3)) * random.choice([-1.0, 1.0], (n, 3))
    second = np.where((first + step < 0) | (first + step > 1), first - step, first + step)
    return Textures(
        pattern=random.randint(0, PATTERNS, n),
        frequency=random.uniform(0.5, 1.3, n),
        angle=random.uniform(0.0, np.pi, n),
        colours=np.stack([first, second.clip(0, 1)], 1),
    )


def render(
    textures: Textures, targets: int, random: Random, shifted: bool = False
) -> ScenesInMemory:
    """Draw ``targets`` scenes for each class, each with up to two objects of other classes.

    Class k of ``textures`` has label k + 1. The target is drawn last, so that nothing covers it.
    """
    classes = len(textures.pattern)
    wanted = np.repeat(np.arange(classes), targets)
    n = len(wanted)
    images, labels = smooth_background(n, random), np.zeros((n, SIZE, SIZE), dtype=np.uint8)
    others = random.randint(0, MOST_OBJECTS, n)
    for slot in range(MOST_OBJECTS - 1):
        kinds = (wanted + random.randint(1, classes, n)) % classes if classes > 1 else wanted
        mask = _blob(n, OTHER_SHARE, random) & (others > slot)[:, None, None]
        _paint(images, labels, mask, textures, kinds, random)
    _paint(images, labels, _blob(n, TARGET_SHARE, random), textures, wanted, random)
    if shifted:
        images = _shifted(images)
    noisy = 255 * images + _noise(images.shape, SHIFTED_NOISE if shifted else NOISE, random)
    return ScenesInMemory(noisy.clip(0, 255).astype(np.uint8), labels, classes)


def _noise(shape: tuple[int, ...], most: int, random: Random) -> npt.NDArray[np.int8]:
    # Whole levels are drawn many times faster than normal numbers.
    return random.randint(-most, most + 1, shape, dtype=np.int8)


def _planes(values: npt.NDArray[Any]) -> Array:
    """Return one number a scene in a shape that fits images, in single precision."""
    planes: Array = values.astype(np.float32)[:, None, None]
    return planes


def _grid() -> tuple[Array, Array]:
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    return y, x


def smooth_background(n: int, random: Random) -> Array:
    """Return colour noise (n, SIZE, SIZE, 3), smooth over about a quarter of the image."""
    coarse = torch.from_numpy(random.uniform(0.1, 0.9, (n, 3, 5, 5)).astype(np.float32))
    smooth = interpolate(coarse, (SIZE, SIZE), mode="bilinear", align_corners=True)
    return smooth.permute(0, 2, 3, 1).numpy().copy()


def _blob(n: int, share: tuple[float, float], random: Random) -> npt.NDArray[np.bool_]:
    """Return masks (n, SIZE, SIZE) of shapes with 2 to 5 lobes.

    Their ``share`` of the image is log-uniform; one near the border loses what lies outside.
    """
    low, high = np.log(share)
    area = np.exp(random.uniform(float(low), float(high), n)) * SIZE**2
    depth, lobes = random.uniform(0.1, 0.35, n), random.randint(2, 6, n)
    radius = np.sqrt(area / (np.pi * (1 + depth**2 / 2)))
    turn = random.uniform(0, 2 * np.pi, n)
    centre = random.uniform(0.25, 0.75, (2, n)) * SIZE
    y, x = _grid()
    dy, dx = y - _planes(centre[0]), x - _planes(centre[1])
    angle = _planes(lobes) * np.arctan2(dy, dx) + _planes(turn)
    edge = _planes(radius) * (1 + _planes(depth) * np.cos(angle))
    inside: npt.NDArray[np.bool_] = dy**2 + dx**2 < edge**2
    return inside


def _paint(
    images: Array,
    labels: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.bool_],
    textures: Textures,
    kinds: npt.NDArray[np.intp],
    random: Random,
) -> None:
    """Draw one object into each scene where its mask is set."""
    own = textures.chosen(kinds)
    scene, y, x = np.nonzero(mask)
    weight = _pattern(own, scene, y, x, random)[:, None]
    colours = (own.colours + random.normal(0.0, 0.06, own.colours.shape)).astype(np.float32)
    images[scene, y, x] = weight * colours[scene, 0] + (1 - weight) * colours[scene, 1]
    labels[scene, y, x] = (kinds + 1)[scene]


def _pattern(
    own: Textures,
    scene: npt.NDArray[np.intp],
    y: npt.NDArray[np.intp],
    x: npt.NDArray[np.intp],
    random: Random,
) -> Array:
    """Return the weight of the first colour at pixels of scenes, between 0 and 1."""
    n = len(own.pattern)
    angle = _at(own.angle + random.normal(0.0, 0.1, n), scene)
    frequency = _at(own.frequency * random.uniform(0.9, 1.1, n), scene)
    phase = [_at(part, scene) for part in random.uniform(0, 2 * np.pi, (2, n))]
    centre = [_at(SIZE * part, scene) for part in random.uniform(0.2, 0.8, (2, n))]
    down, right = y.astype(np.float32), x.astype(np.float32)
    along = frequency * (right * np.cos(angle) + down * np.sin(angle)) + phase[0]
    across = frequency * (down * np.cos(angle) - right * np.sin(angle)) + phase[1]
    rings = frequency * np.hypot(down - centre[0], right - centre[1]) + phase[0]
    waves = np.choose(
        own.pattern[scene],
        [np.sin(along), np.sin(along) * np.sin(across) * 1.5, np.sin(rings)],
    )
    weight: Array = 1 / (1 + np.exp(-6 * waves))
    return weight


def _at(values: npt.NDArray[Any], scene: npt.NDArray[np.intp]) -> Array:
    """Return one number a scene at each of its pixels, in single precision."""
    there: Array = values.astype(np.float32)[scene]
    return there


def _shifted(images: Array) -> Array:
    mixed = images @ np.array(CHANNEL_MIX, dtype=np.float32).T
    shifted: Array = 0.5 + SHIFTED_CONTRAST * (mixed - 0.5)
    return shifted
