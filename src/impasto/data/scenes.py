"""Scenes composed of the data set's pictures, with captions that say what is there.

One thing in another colour, size or place; several of one thing; two things beside, on, above or before each other;
a thing on a plain shape. Colours join any of them. Knows no net; a scene is a pure function of the generator it is
drawn with. Only pictures of the training split take part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from impasto.data.colours import COLOURS, GREYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from impasto.data.things import Thing

VERSION = 2
"""of what is composed and painted; latents kept on disk are made again when it changes"""

SHARES = {"look": 0.2, "size": 0.12, "count": 0.22, "beside": 0.2, "stack": 0.12, "ground": 0.14}
SHAPES = ("circle", "circle", "square", "rounded square", "diamond", "heart", "background")
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
ROWS = {2: ((2,), (1, 1)), 3: ((3,), (2, 1), (1, 2)), 4: ((2, 2), (4,)), 5: ((3, 2), (2, 3), (2, 1, 2))}
SIZES = {"big": ("big", "large", "huge"), "small": ("small", "little"), "tiny": ("tiny", "very small")}
UNCOUNTED = frozenset(
    {"bread", "butter", "cheese", "coal", "coffee", "fire", "ginger", "popcorn", "rice", "soap", "wood"}
)
EDGE = 0.02
"""what stays free at the canvas's edge"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One picture laid into a scene. Places are shares of the canvas, from its top left corner."""

    record: int
    centre: tuple[float, float]
    side: float
    """the longer side of what is painted"""
    colour: str | None = None
    """what its one colour is to be; None: as it is"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A plain shape behind the parts."""

    shape: str
    colour: str
    centre: tuple[float, float] = (0.5, 0.5)
    side: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    kind: str
    """a key of `SHARES`"""
    captions: tuple[str, ...]
    """true wordings of it, none empty"""
    style: str
    parts: tuple[Part, ...]
    """the hindmost first"""
    ground: Ground | None = None
    relation: str | None = None
    """of the first thing named to the second: left, right, on, above or before"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A thing as a caption speaks of it."""

    thing: Thing
    word: str
    colour: str | None = None

    @property
    def said(self) -> str:
        return f"{self.colour} {self.word}" if self.colour else self.word


def compose(
    things: Mapping[str, Sequence[Thing]],
    rng: np.random.Generator,
    *,
    shares: Mapping[str, float] = SHARES,
    coloured: float = 0.35,
    common: float = 0.75,
) -> Scene:
    """Draw a scene from `things` (style -> its things): its kind by `shares`, its things common ones by `common`.

    `coloured` is the chance that a thing which has one colour is named by a colour.
    """
    kinds = sorted(shares)
    weights = np.array([shares[kind] for kind in kinds], float)
    kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
    styles = sorted(style for style, some in things.items() if some)
    style = styles[rng.integers(len(styles))]
    return KINDS[kind](_Draw(things[style], style, rng, coloured=coloured, common=common))


class _Draw:
    """What the kinds draw from: the things of one style and the scene's generator."""

    def __init__(
        self, things: Sequence[Thing], style: str, rng: np.random.Generator, *, coloured: float, common: float
    ) -> None:
        self.style, self.rng, self.coloured = style, rng, coloured
        everyday, rest = [t for t in things if t.common], [t for t in things if not t.common]
        self.pool = everyday if not rest or (everyday and rng.random() < common) else rest
        self.one_colour = [t for t in things if t.look and (t.common or not everyday)] or [t for t in things if t.look]

    def named(self, *, coloured: float | None = None, without: Named | None = None, counted: bool = False) -> Named:
        """A thing, its word (the plainest mostly) and perhaps a colour it has or is to have."""
        wants_colour = self.one_colour and self.rng.random() < (self.coloured if coloured is None else coloured)
        pool = self.one_colour if wants_colour else self.pool
        if without:
            pool = [t for t in pool if not set(t.words) & set(without.thing.words)] or pool
        if counted:
            pool = [t for t in pool if not set(t.words) & UNCOUNTED] or pool
        thing = pool[self.rng.integers(len(pool))]
        word = thing.words[0] if self.rng.random() < 0.75 else thing.words[self.rng.integers(len(thing.words))]
        return Named(thing=thing, word=word, colour=self.colour(word) if wants_colour else None)

    def colour(self, word: str) -> str:
        """Any colour but one that the word is the name of, greys half as often as the rest."""
        names = [name for name in COLOURS for _ in range(1 if name in GREYS else 2) if name != word]
        return names[self.rng.integers(len(names))]

    def pick(self, items: Sequence[str]) -> str:
        return items[self.rng.integers(len(items))]

    def within(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def scene(self, kind: str, captions: Sequence[str], parts: Sequence[Part], **more: object) -> Scene:
        distinct = tuple(dict.fromkeys(captions))
        return Scene(kind=kind, captions=distinct, style=self.style, parts=tuple(parts), **more)

    def wordings(self, patterns: Sequence[str], a: str, b: str = "") -> list[str]:
        """Each pattern said with articles, and one of them without: "a cat on a box", "cat on a box"."""
        said = [pattern.format(a=_a(a), b=_a(b)) for pattern in patterns]
        short = self.pick(patterns)
        said.append(short.format(a=a, b=b if self.rng.random() < 0.5 else _a(b)))
        return said


def _look(draw: _Draw) -> Scene:
    """One thing in a colour, where its picture has it: "a blue apple"."""
    one = draw.named(coloured=1.0)
    left, top, right, bottom = one.thing.box
    centre, side = ((left + right) / 512, (top + bottom) / 512), max(right - left, bottom - top) / 256
    part = Part(record=one.thing.record, centre=centre, side=side, colour=one.colour)
    said = [_a(one.said), one.said, f"the {one.said}"]
    if one.colour:
        said.append(f"{_a(one.word)} in {one.colour}")
    return draw.scene("look", said, [part])


def _size(draw: _Draw) -> Scene:
    """One thing in a size or a place: "a tiny star", "a small fish in the top left corner"."""
    one, size = draw.named(), draw.pick(("big", "small", "small", "tiny"))
    side = {"big": (0.94, 0.96), "small": (0.3, 0.42), "tiny": (0.14, 0.22)}[size]
    side, adjective = draw.within(*side), draw.pick(SIZES[size])
    sized = f"{adjective} {one.said}"
    if size == "big":
        return draw.scene("size", [_a(sized), sized, f"the {sized}"], [_whole(one, (0.5, 0.5), side)])
    place = draw.pick(("middle", "corner", "corner", "edge"))
    if place == "middle":
        patterns = ["{a}", "{a} in the middle", "{a} in the center", "{a}"]
        return draw.scene("size", draw.wordings(patterns, sized), [_whole(one, (0.5, 0.5), side)])
    far = EDGE + side / 2
    x, y = draw.pick(("left", "right")), draw.pick(("top", "bottom"))
    at_x, at_y = (far if x == "left" else 1 - far), (far if y == "top" else 1 - far)
    if place == "corner":
        patterns = [f"{{a}} in the {y} {x} corner", f"{{a}} in the {y} {x}", "{a} in the corner", f"{{a}} {y} {x}"]
        said = [*draw.wordings(patterns, sized), f"{_a(one.said)} in the {y} {x} corner"]
        return draw.scene("size", said, [_whole(one, (at_x, at_y), side)])
    if draw.rng.random() < 0.5:
        said = draw.wordings([f"{{a}} on the {x}", f"{{a}} on the {x} side"], sized)
        return draw.scene("size", said, [_whole(one, (at_x, 0.5), side)])
    said = draw.wordings([f"{{a}} at the {y}", f"{{a}} at the {y} of the picture"], sized)
    return draw.scene("size", said, [_whole(one, (0.5, at_y), side)])


def _count(draw: _Draw) -> Scene:
    """Two to five of one thing, laid out in rows, sometimes on a plain shape: "three red stars"."""
    one, count = draw.named(counted=True), (2, 2, 2, 3, 3, 3, 4, 4, 5)[draw.rng.integers(9)]
    rows = ROWS[count][draw.rng.integers(len(ROWS[count]))]
    ground = _ground(draw, one, least=0.97) if count <= 3 and draw.rng.random() < 0.12 else None
    room = _room(ground)
    parts = [_whole(one, centre, side) for centre, side in _rows(draw, one, rows, room)]
    many = _plural(one.said)
    said = [f"{NUMBERS[count]} {many}", f"{NUMBERS[count]} {many}", f"{count} {many}"]
    if count == 2:
        said += [f"a pair of {many}", f"a couple of {many}"]
    if len(rows) == 1:
        said += [f"{NUMBERS[count]} {many} in a row", f"{NUMBERS[count]} {many} side by side"]
    if count > 2:
        said += [f"a group of {NUMBERS[count]} {many}"]
    if ground:
        said = [pattern.format(a=f"{NUMBERS[count]} {many}", g=_a(_of(ground))) for pattern in ON_GROUND]
        said = _background(said, f"{NUMBERS[count]} {many}", ground)
    return draw.scene("count", said, parts, ground=ground)


def _beside(draw: _Draw) -> Scene:
    """Two things side by side: "a cat next to a red car", "two dogs" of different kinds never."""
    one = draw.named()
    other = draw.named(without=one)
    sizes, words = (1.0, 1.0), (one.said, other.said)
    if draw.rng.random() < 0.15:
        sizes, adjectives = (1.0, 0.5), (draw.pick(SIZES["big"]), draw.pick(SIZES["small"]))
        words = (f"{adjectives[0]} {one.said}", f"{adjectives[1]} {other.said}")
    left = bool(draw.rng.random() < 0.5)
    pair = [(one, sizes[0]), (other, sizes[1])]
    parts = _side_by_side(draw, pair if left else pair[::-1])
    a, b = words
    said = draw.wordings(["{a} next to {b}", "{a} beside {b}", "{a} and {b}", "{a} with {b}"], a, b)
    said += draw.wordings(["{a} next to {b}", "{a} and {b}", "{a} by {b}"], b, a)
    first, second = (a, b) if left else (b, a)
    said += [f"{_a(first)} left of {_a(second)}", f"{_a(first)} to the left of {_a(second)}"]
    said += [f"{_a(second)} right of {_a(first)}", f"{_a(second)} to the right of {_a(first)}"]
    return draw.scene("beside", said, parts if left else parts[::-1], relation="left" if left else "right")


def _stack(draw: _Draw) -> Scene:
    """One thing on, above or before another: "a bee on a flower", "a star above a house", "a cat before a house"."""
    one = draw.named()
    other = draw.named(without=one)
    relation = draw.pick(("on", "on", "above", "before"))
    a, b = one.said, other.said
    if relation == "before":
        back = _whole(other, (0.5, 0.44), draw.within(0.8, 0.88))
        side = draw.within(0.42, 0.5)
        x = draw.pick((0.28, 0.5, 0.72))
        front = _whole(one, (x, 1 - EDGE - side * one.thing.shape[1] / 2), side)
        said = draw.wordings(["{a} in front of {b}", "{a} in front of {b}"], a, b)
        said += draw.wordings(["{b} behind {a}"], a, b)
        return draw.scene("stack", said, [back, front], relation=relation)
    parts = _on_top(draw, one, other, overlap=0.12 if relation == "on" else -0.06)
    if relation == "on":
        said = draw.wordings(["{a} on {b}", "{a} on top of {b}", "{a} on {b}", "{a} sitting on {b}"], a, b)
        said += draw.wordings(["{b} under {a}", "{b} with {a} on top"], a, b)
    else:
        said = draw.wordings(["{a} above {b}", "{a} over {b}"], a, b)
        said += draw.wordings(["{b} below {a}", "{b} under {a}", "{b} beneath {a}"], a, b)
    return draw.scene("stack", said, parts, relation=relation)


ON_GROUND = ("{a} on {g}", "{a} on {g}", "{a} in {g}", "{a} inside {g}", "{a} in front of {g}")


def _on_ground(draw: _Draw) -> Scene:
    """A thing on a plain shape: "a blue apple on a yellow circle", "a rocket in a blue square"."""
    one = draw.named()
    ground = _ground(draw, one, least=0.88)
    room = _room(ground)
    width, height = one.thing.shape
    side = room / max(np.hypot(width, height) / np.sqrt(2), 0.8) * draw.within(0.88, 1.0)
    part = _whole(one, (0.5, 0.5 - (0.04 if ground.shape == "heart" else 0)), side)
    plain = [one.said, _a(one.said)]
    said = [pattern.format(a=draw.pick(plain[1:] * 2 + plain[:1]), g=_a(_of(ground))) for pattern in ON_GROUND]
    said += [f"{_a(_of(ground))} with {_a(one.said)} inside", f"{one.said} on {_of(ground)}"]
    said = _background(said, _a(one.said), ground)
    return draw.scene("ground", said, [part], ground=ground)


KINDS = {
    "look": _look, "size": _size, "count": _count, "beside": _beside, "stack": _stack, "ground": _on_ground,
}  # fmt: skip


def _background(said: list[str], a: str, ground: Ground) -> list[str]:
    """What is said of a ground that fills the canvas: people call it a background."""
    if ground.shape != "background":
        return said
    colour = ground.colour
    return [f"{a} on {_a(colour)} background", f"{a} with {_a(colour)} background", f"{a}, {colour} background"]


def _of(ground: Ground) -> str:
    return f"{ground.colour} {ground.shape}"


def _ground(draw: _Draw, one: Named, *, least: float) -> Ground:
    """A shape in a colour that the thing on it is not."""
    look = one.thing.look
    its = one.colour or (look.name if look else None)
    colours = [name for name in COLOURS if name != its]
    shape = draw.pick(SHAPES)
    return Ground(
        shape=shape, colour=draw.pick(colours), side=1.0 if shape == "background" else draw.within(least, 0.98)
    )


def _room(ground: Ground | None) -> float:
    """The side of the square that things have in the middle of a ground."""
    if ground is None:
        return 1 - 2 * EDGE
    share = {"circle": 0.7, "square": 0.78, "rounded square": 0.76, "diamond": 0.52, "heart": 0.56, "background": 0.8}
    return share[ground.shape] * ground.side


def _whole(one: Named, centre: tuple[float, float], side: float) -> Part:
    return Part(record=one.thing.record, centre=centre, side=side, colour=one.colour)


def _rows(draw: _Draw, one: Named, rows: tuple[int, ...], room: float) -> list[tuple[tuple[float, float], float]]:
    """Centre and side of each of some alike things in rows, in a square of side `room` in the middle, not touching."""
    width, height = one.thing.shape
    gap = 1 + draw.within(0.1, 0.25)
    side = room / max(max(rows) * width * gap, len(rows) * height * gap) * draw.within(0.94, 1.0)
    side = min(side, 0.6 * room)
    step_x, step_y = side * width * gap, side * height * gap
    found = []
    for row, count in enumerate(rows):
        for column in range(count):
            x = 0.5 + (column - (count - 1) / 2) * step_x
            y = 0.5 + (row - (len(rows) - 1) / 2) * step_y
            found.append(((x, y), side))
    return found


def _side_by_side(draw: _Draw, pair: Sequence[tuple[Named, float]]) -> list[Part]:
    """Two things in a row that fills the canvas, standing on one line or level with each other."""
    shapes = [(one.thing.shape[0] * size, one.thing.shape[1] * size) for one, size in pair]
    gap = draw.within(0.02, 0.06)
    scale = min((1 - 2 * EDGE - gap) / (shapes[0][0] + shapes[1][0]), 0.8)
    (w0, h0), (w1, h1) = [(w * scale, h * scale) for w, h in shapes]
    left = 0.5 - (w0 + gap + w1) / 2
    tallest, standing = max(h0, h1), bool(draw.rng.random() < 0.75)
    y0, y1 = [0.5 + (tallest - h) / 2 if standing else 0.5 for h in (h0, h1)]
    sides = [scale * size for _, size in pair]
    places = [(left + w0 / 2, y0), (left + w0 + gap + w1 / 2, y1)]
    return [_whole(one, place, side) for (one, _), place, side in zip(pair, places, sides, strict=True)]


def _on_top(draw: _Draw, one: Named, other: Named, *, overlap: float) -> list[Part]:
    """The other below and the one above it, their boxes sharing `overlap` of the canvas's height; filling it."""
    under, over = draw.within(0.52, 0.6), draw.within(0.38, 0.48)
    h_under, h_over = under * other.thing.shape[1], over * one.thing.shape[1]
    shared = overlap * min(1.0, 2 * h_under) if overlap > 0 else overlap
    total = h_under + h_over - shared
    grow = min((1 - 2 * EDGE) / total, 1.3)
    under, over, h_under, h_over, total = (v * grow for v in (under, over, h_under, h_over, total))
    top = 0.5 - total / 2
    x = 0.5 + draw.within(-0.04, 0.04)
    below = _whole(other, (0.5, top + total - h_under / 2), under)
    return [below, _whole(one, (x, top + h_over / 2), over)]


@cache
def _english() -> object:
    from inflect import engine

    return engine()


@cache
def _a(noun: str) -> str:
    """With "a" or "an"; what is not counted stays bare."""
    return noun if not noun or noun.split()[-1] in UNCOUNTED else _english().a(noun)


@cache
def _plural(noun: str) -> str:
    return _english().plural_noun(noun)
