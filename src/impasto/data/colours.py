"""Colours by the names people give them: telling them and changing them, in OKLab (Ottosson 2020).

Lightness runs from 0 to 1, chroma from 0 to about 0.3, hue in degrees: red 29, yellow 110, green 142, blue 264.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.60, 0.22, 26),
    "orange": (0.74, 0.17, 58),
    "yellow": (0.88, 0.17, 95),
    "green": (0.66, 0.17, 145),
    "blue": (0.60, 0.17, 253),
    "purple": (0.52, 0.20, 306),
    "pink": (0.78, 0.13, 355),
    "brown": (0.47, 0.09, 55),
    "black": (0.27, 0.0, 0),
    "white": (0.96, 0.0, 0),
    "grey": (0.66, 0.0, 0),
}
"""name -> lightness, chroma and hue of its plainest shade"""

GREYS = ("black", "grey", "white")
FAINT = 0.045
"""the chroma under which a colour has no hue to speak of"""
NEAR = 30
"""degrees of hue within which shades are of one colour"""

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What colour a picture mostly is."""

    lightness: float
    chroma: float
    hue: float
    """degrees"""
    name: str
    """of that colour"""
    share: float
    """of its opaque pixels that are of that colour, lighter and darker shades among them"""


def oklab(rgb: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 sRGB -> (..., 3) float32 OKLab."""
    return np.cbrt(_linear()[rgb] @ _TO_LMS.T) @ _TO_LAB.T


def srgb(lab: np.ndarray) -> np.ndarray:
    """(..., 3) OKLab -> (..., 3) uint8 sRGB, cut to the gamut."""
    lms = (lab.astype(np.float32) @ np.linalg.inv(_TO_LAB).T.astype(np.float32)) ** 3
    linear = (lms @ np.linalg.inv(_TO_LMS).T.astype(np.float32)).clip(0, 1)
    return _coded()[(linear * 4095 + 0.5).astype(np.intp)]


def names_of(lab: np.ndarray) -> np.ndarray:
    """(..., 3) OKLab -> (...) places in `COLOURS`, by the ranges in which people agree on a name."""
    light, chroma, hue = _polar(lab)
    order = list(COLOURS)
    place = {name: order.index(name) for name in order}
    edges = np.array([12, 43, 79, 115, 190, 280, 335])
    ring = np.array([place[n] for n in ("pink", "red", "orange", "yellow", "green", "blue", "purple", "pink")])
    found = ring[np.searchsorted(edges, hue, side="right")]
    warm = (hue >= 20) & (hue < 100)
    found = np.where(warm & (light < 0.62 - 0.2 * (hue < 43)) & (chroma < 0.14), place["brown"], found)
    found = np.where((found == place["red"]) & (light > 0.7), place["pink"], found)
    found = np.where((found == place["purple"]) & (light > 0.76) & (hue > 318), place["pink"], found)
    grey = np.where(light < 0.42, place["black"], np.where(light > 0.88, place["white"], place["grey"]))
    return np.where((chroma < FAINT) | (light < 0.2), grey, found)


def look_of(rgba: np.ndarray, *, least: float = 0.55) -> Look | None:
    """The one colour of a picture, (h, w, 4) uint8; None where no one colour holds `least` of its opaque pixels.

    A red car on black wheels is red: greys beside a hue do not count. A grey elephant is grey, if it has hardly a hue.
    """
    lab = oklab(rgba[rgba[..., 3] > 200][:, :3])
    if len(lab) < 16:
        return None
    light, chroma, hue = _polar(lab)
    coloured = chroma >= FAINT
    if coloured.mean() < least:
        middle = np.median(light[~coloured])
        of_it = ~coloured & (np.abs(light - middle) < 0.17)
        alone = coloured.mean() < 0.2
    else:
        weights = np.histogram(hue[coloured], bins=72, range=(0, 360), weights=chroma[coloured])[0]
        peak = int(sum(np.roll(weights, shift) for shift in range(-3, 4)).argmax()) * 5 + 2.5
        of_it = coloured & (np.abs(_turn(hue - peak)) < NEAR)
        alone = of_it.sum() >= 0.85 * coloured.sum()
    if not alone or of_it.mean() < least:
        return None
    mean = np.median(lab[of_it], axis=0)[None].astype(np.float32)
    (lightness,), (strength,), (angle,) = _polar(mean)
    name = list(COLOURS)[int(names_of(mean)[0])]
    return Look(
        lightness=float(lightness), chroma=float(strength), hue=float(angle), name=name, share=float(of_it.mean())
    )


def is_plainly(look: Look, colour: str) -> bool:
    """Whether nobody would call the look anything but the colour."""
    return look.name == colour and (colour in GREYS or abs(_turn(np.float64(look.hue - COLOURS[colour][2]))) < 25)


def recolour(rgba: np.ndarray, look: Look, colour: str) -> np.ndarray:
    """A copy with the pixels of `look` in another colour, shading kept: lightness and chroma scaled, hue turned.

    Of a coloured look, pixels without hue (outlines, highlights, eyes) and of other hues stay as they are; of a grey
    one, pixels with a hue, and the others take the more of the colour the nearer their lightness is to the look's.
    """
    lab = oklab(rgba[..., :3])
    light, chroma, hue = _polar(lab)
    to_light, to_chroma, to_hue = COLOURS[colour]
    new_light = np.interp(light, [0, look.lightness, 1], [0, to_light, 1])
    if look.chroma < FAINT:
        off = np.zeros_like(hue)
        part = ((0.08 - chroma) / 0.03).clip(0, 1)
        new_chroma = to_chroma * np.interp(light, [0, look.lightness, 1], [0, 1, 0.3]) ** 1.5
    else:
        off = _turn(hue - look.hue)
        part = ((50 - np.abs(off)) / 12).clip(0, 1) * ((chroma - 0.02) / 0.03).clip(0, 1)
        new_chroma = np.minimum(chroma * np.float32(to_chroma / look.chroma), 1.3 * to_chroma)
    angle = np.deg2rad(to_hue + 0.35 * off)
    new = np.stack([new_light, new_chroma * np.cos(angle), new_chroma * np.sin(angle)], axis=-1)
    return np.concatenate([srgb(lab + (new - lab) * part[..., None]), rgba[..., 3:]], axis=-1)


def _polar(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lightness, chroma, hue in 0..360 degrees."""
    a, b = lab[..., 1], lab[..., 2]
    return lab[..., 0], np.hypot(a, b), np.rad2deg(np.arctan2(b, a)) % 360


def _turn(degrees: np.ndarray) -> np.ndarray:
    """The same turn in -180..180."""
    return (degrees + 180) % 360 - 180


@cache
def _linear() -> np.ndarray:
    """sRGB byte -> linear light (IEC 61966-2-1)."""
    x = np.arange(256) / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _coded() -> np.ndarray:
    """Linear light in 4096 steps -> sRGB byte."""
    x = np.arange(4096) / 4095
    coded = np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055)
    return (coded * 255 + 0.5).astype(np.uint8)
