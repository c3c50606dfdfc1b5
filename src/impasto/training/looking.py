"""Looking at a drawing for what was asked of it: colours, how many, where, on what; and, with a judge, which things.

Everything but the judge is arithmetic on pixels, and so is as blunt as that: shares of named colours, connected
blobs, the emptiest line between two things, the outline of a plain shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from impasto.data.colours import COLOURS, GREYS, Look, look_of, names_of, oklab, recolour
from impasto.data.painting import cover
from impasto.data.things import box_of
from impasto.training.autoencoder import premultiplied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from impasto.training.judge import Judge

SIDE_PX, FIT_PX = 256, 236
"""of a picture, and of a thing cut out of one for the judge"""
SEEN = 5
"""a thing is seen if the judge has it among its first five concepts"""
NAMES = tuple(COLOURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A thing that must be seen."""

    concepts: tuple[str, ...]
    """any of them"""
    colour: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a prompt asks for."""

    words: str
    kind: str
    things: tuple[Sought, ...]
    """one, or two of which the first stands in `relation` to the second"""
    count: int = 1
    relation: str | None = None
    """beside (either way), left, right, on, above or before"""
    ground: tuple[str, str] | None = None
    """colour and shape"""
    size: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """The judge, and the colours that things have by nature."""

    judge: Judge
    natural: Mapping[str, Look]
    """concept -> its one colour, where it has one"""

    def sees(self, cuts: Sequence[np.ndarray], sought: Sought) -> bool:
        """Whether any of the cut-outs, (h, w, 4) uint8, shows the thing; a recoloured thing also counts if it does so
        in a colour it has by nature, because the judge has met no blue apples."""
        views = [cut for cut in cuts if box_of(cut[..., 3])]
        if sought.colour:
            views += [view for cut in views for view in self.in_natural_colour(cut, sought)]
        if not views:
            return False
        pictures = premultiplied(np.stack([fitted(view) for view in views]))
        places = self.judge.places(self.judge.see(pictures), [sought.concepts] * len(views))
        return min(places) <= SEEN

    def in_natural_colour(self, cut: np.ndarray, sought: Sought) -> list[np.ndarray]:
        look = look_of(cut, least=0.35)
        colours = {self.natural[concept].name for concept in sought.concepts if concept in self.natural}
        return [recolour(cut, look, colour) for colour in sorted(colours) if colour != look.name] if look else []


@torch.no_grad()
def checks(picture: np.ndarray, wanted: Wanted, eye: Eye) -> dict[str, bool]:
    """What of the wanted is in (256, 256, 4) uint8 unpremultiplied RGBA: check -> passed, only what was asked."""
    found = {}
    if wanted.ground:
        colour, shape = wanted.ground
        found["ground"] = has_ground(picture, colour, shape)
        picture = without_ground(picture, colour)
    if wanted.count > 1:
        bodies = blobs(picture)
        found["count"] = len(bodies) == wanted.count
        shown = [eye.sees([body], wanted.things[0]) for body in bodies[: wanted.count]]
        found["things"] = sum(shown) * 2 >= wanted.count
    elif wanted.relation:
        return found | _two(picture, wanted, eye)
    else:
        found["things"] = eye.sees([picture], wanted.things[0])
    if wanted.things[0].colour:
        found["colour"] = is_coloured(picture, wanted.things[0].colour)
    if wanted.size:
        found["size"] = has_size(picture, wanted.size)
    if wanted.place:
        found["place"] = is_placed(picture, wanted.place)
    return found


def _two(picture: np.ndarray, wanted: Wanted, eye: Eye) -> dict[str, bool]:
    """Both things, their colours and how they stand: the way of halving the picture that shows most decides."""
    one, other = wanted.things
    asked = ["things", "relation"] + ["colour"] * bool(one.colour or other.colour)
    best = dict.fromkeys(asked, False)
    for first, second, stands in halves(picture, wanted.relation):
        found = {"things": eye.sees(first, one) and eye.sees(second, other)}
        found["relation"] = found["things"] and stands
        if "colour" in asked:
            pairs = ((first, one), (second, other))
            found["colour"] = all(is_coloured(cuts[0], it.colour) for cuts, it in pairs if it.colour)
        best = max(best, found, key=lambda f: (sum(f.values()), f["things"]))
    return best


def halves(picture: np.ndarray, relation: str) -> list[tuple[list[np.ndarray], list[np.ndarray], bool]]:
    """(cut-outs of the first thing, of the second, whether they then stand as wanted), for each way of cutting.

    Beside, left and right: on either side of a column; on and above: of a row; either way round. Before: the first in
    a window at the bottom, the second in the whole or in what is outside the window.
    """
    if relation == "before":
        found = []
        for x in (12, 68, 124):
            rest = picture.copy()
            rest[136:, x : x + 120] = 0
            found.append(([picture[136:, x : x + 120], picture[112:, x : x + 120]], [picture, rest], True))
        return found
    axis = 1 if relation in ("beside", "left", "right") else 0
    found = []
    for line in lines(picture, axis):
        near, far = np.split(picture, [line], axis=axis)
        found += [([near], [far], relation != "right"), ([far], [near], relation in ("beside", "right"))]
    return found


def lines(picture: np.ndarray, axis: int) -> list[int]:
    """Where two things may meet: the emptiest column (axis 1) or row (0) of the middle of what is painted; if they
    touch there, tenths of the way about the middle too."""
    box = box_of(picture[..., 3])
    if box is None:
        return []
    low, high = (box[0], box[2]) if axis == 1 else (box[1], box[3])
    filled = picture[..., 3].sum(axis=1 - axis, dtype=np.int64)
    start, end = int(low + 0.25 * (high - low)), int(low + 0.75 * (high - low)) + 1
    emptiness = ndimage.uniform_filter1d(filled.astype(float), 5)[start:end]
    ties = np.flatnonzero(emptiness <= emptiness.min() + 1e-9)
    others = [low + (high - low) * tenth // 10 for tenth in (4, 5, 6)] if emptiness.min() > 255 else []
    return [start + int(ties[len(ties) // 2]), *others]


def blobs(picture: np.ndarray, *, least: float = 0.25) -> list[np.ndarray]:
    """Cut-outs of its connected parts, the largest first; parts under `least` of the largest are details."""
    labels, number = ndimage.label(picture[..., 3] > 96)
    areas = np.bincount(labels.ravel(), minlength=number + 1)[1:]
    kept = [i + 1 for i in np.argsort(-areas) if areas[i] >= max(least * areas.max(), 24)]
    places = ndimage.find_objects(labels)
    cuts = []
    for label in kept:
        place = places[label - 1]
        cut = picture[place].copy()
        cut[ndimage.binary_dilation(labels[place] == label, iterations=2) == 0] = 0
        cuts.append(cut)
    return cuts


def shares(picture: np.ndarray) -> dict[str, float]:
    """Colour -> its share of the opaque pixels."""
    lab = oklab(picture[picture[..., 3] > 200][:, :3])
    counts = np.bincount(names_of(lab), minlength=len(NAMES)) if len(lab) else np.zeros(len(NAMES))
    return dict(zip(NAMES, (counts / max(len(lab), 1)).tolist(), strict=True))


def is_coloured(picture: np.ndarray, colour: str) -> bool:
    """Whether people would call it that: a third of it is, and no other colour has more, greys and outlines aside."""
    found = shares(picture)
    rivals = {name: share for name, share in found.items() if colour in GREYS or name not in GREYS}
    if found[colour] >= 0.33 and found[colour] >= max(rivals.values()):
        return True
    look = look_of(picture, least=0.33)
    return look is not None and look.name == colour


def has_size(picture: np.ndarray, size: str) -> bool:
    """By the longer side of what is painted, as a share of the canvas."""
    box = box_of(picture[..., 3])
    longer = max(box[2] - box[0], box[3] - box[1]) / SIDE_PX if box else 0.0
    low, high = {"big": (0.85, 1.0), "small": (0.1, 0.55), "tiny": (0.05, 0.32)}[size]
    return low <= longer <= high


def is_placed(picture: np.ndarray, place: str) -> bool:
    """By the middle of what is painted: "top left", "left", "middle", or "corner" for any."""
    box = box_of(picture[..., 3])
    if box is None:
        return False
    x, y = (box[0] + box[2]) / 2 / SIDE_PX - 0.5, (box[1] + box[3]) / 2 / SIDE_PX - 0.5
    if place == "middle":
        return max(abs(x), abs(y)) < 0.12
    if place == "corner":
        return min(abs(x), abs(y)) > 0.1
    sides = {"left": -x, "right": x, "top": -y, "bottom": y}
    return all(sides[word] > 0.1 for word in place.split())


def has_ground(picture: np.ndarray, colour: str, shape: str) -> bool:
    """Whether the outline is that shape more than any other, and the rim within it has the colour."""
    mask = picture[..., 3] > 128
    box = box_of(picture[..., 3])
    if box is None or mask.mean() < 0.2:
        return False
    rim = mask & ~ndimage.binary_erosion(mask, iterations=7, border_value=0)
    coloured = shares(np.where(rim[..., None], picture, 0))[colour] >= 0.7
    if shape == "background":
        return bool(coloured and mask.mean() > 0.95)
    fits = {other: fit(mask, box, other) for other in ("circle", "square", "rounded square", "diamond", "heart")}
    alike = {"square", "rounded square"}
    near = max(fits, key=fits.get)
    return bool(coloured and fits[shape] > 0.88 and (near == shape or {near, shape} <= alike))


def fit(mask: np.ndarray, box: tuple[int, int, int, int], shape: str) -> float:
    """Intersection over union of a mask and a shape put into its box."""
    left, top, right, bottom = box
    whole = (cover(shape, SIDE_PX) * 255).astype(np.uint8)
    meant = np.asarray(Image.fromarray(whole).resize((right - left, bottom - top), box=box_of(whole))) > 128
    there = mask[top:bottom, left:right]
    return float((there & meant).sum() / max((there | meant).sum(), 1))


def without_ground(picture: np.ndarray, colour: str) -> np.ndarray:
    """What stands on a ground: everything but the connected plain colour that reaches the outline."""
    mask = picture[..., 3] > 128
    lab = oklab(picture[..., :3])
    rim = mask & ~ndimage.binary_erosion(mask, iterations=7, border_value=0)
    named = rim & (names_of(lab) == NAMES.index(colour))
    if named.sum() < 20:
        return picture
    plain = np.median(lab[named], axis=0)
    alike = mask & (np.linalg.norm(lab - plain, axis=-1) < 0.07)
    labels, _ = ndimage.label(alike)
    ground = np.isin(labels, np.unique(labels[rim & alike]))
    left = mask & ~ground & ndimage.binary_erosion(mask, iterations=4, border_value=0)
    left = ndimage.binary_opening(left, iterations=1)
    return np.where(left[..., None], picture, 0).astype(np.uint8)


def fitted(cut: np.ndarray) -> np.ndarray:
    """What is painted, brought to the size that things have in pictures of one thing, (256, 256, 4) uint8."""
    left, top, right, bottom = box_of(cut[..., 3])
    scale = FIT_PX / max(right - left, bottom - top)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    body = Image.fromarray(np.ascontiguousarray(cut[top:bottom, left:right])).convert("RGBa")
    canvas = Image.new("RGBA", (SIDE_PX, SIDE_PX))
    canvas.paste(
        body.resize(size, Image.Resampling.BICUBIC).convert("RGBA"), [(SIDE_PX - length) // 2 for length in size]
    )
    return np.asarray(canvas)
