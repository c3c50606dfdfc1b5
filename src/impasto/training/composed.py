"""Composed prompts: things in colours, counted, placed, together, on plain shapes; drawn and looked at.

How far the looking can be trusted is measured too: on scenes painted of true pictures (its ceiling), and on the same
scenes held against the prompts of others of their kind (its floor).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydantic import Field

from impasto.core import Invalid
from impasto.data.colours import COLOURS
from impasto.data.painting import paint
from impasto.data.scenes import SHARES, Scene, compose
from impasto.data.things import things_of
from impasto.training.artist import Asked
from impasto.training.looking import Eye, Sought, Wanted, checks
from impasto.training.recipe import Strict, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch import Tensor

    from impasto.data.dataset import Dataset
    from impasto.training.artist import Artist
    from impasto.training.judge import Judge

PROMPTS = Path("recipes/mini/composed.toml")
PAPER, PASSED, FAILED = (237, 237, 242), (40, 140, 70), (190, 60, 60)
THUMB_PX, LINE_PX, COLUMNS = 104, 26, 20


class Prompt(Strict):
    words: str
    things: tuple[str, ...] = Field(min_length=1, max_length=2)
    """each a word of [same], after the colour it is to have: "red car\""""
    count: int = Field(default=1, ge=1, le=5)
    relation: Literal["beside", "left", "right", "on", "above", "before"] | None = None
    ground: str | None = None
    """colour and shape"""
    size: Literal["big", "small", "tiny"] | None = None
    place: str | None = None


class Prompts(Strict):
    same: dict[str, str]
    """word -> the concepts it may be drawn as"""
    prompts: dict[str, tuple[Prompt, ...]]
    """by kind"""


def read_prompts(path: Path = PROMPTS) -> list[Wanted]:
    """The prompts of a file; Invalid naming what is wrong in it."""
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise Invalid("prompts", f"{path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise Invalid("prompts", f"{path} is not TOML: {error}") from error
    read = parse(Prompts, table, where=str(path))
    return [wanted_of(prompt, kind, read.same) for kind, prompts in read.prompts.items() for prompt in prompts]


def wanted_of(prompt: Prompt, kind: str, same: Mapping[str, str]) -> Wanted:
    things = []
    for thing in prompt.things:
        colour, _, word = thing.partition(" ")
        word = word if word and colour in COLOURS else thing
        concepts = tuple(same.get(word, word.replace(" ", "-")).split())
        things.append(Sought(concepts=concepts, colour=colour if word != thing else None))
    asked = prompt.model_dump(include={"words", "count", "relation", "size", "place"})
    ground = tuple(prompt.ground.split(" ", 1)) if prompt.ground else None
    return Wanted(kind=kind, things=tuple(things), ground=ground, **asked)


def composed(
    artist: Artist,
    judge: Judge,
    dataset: Dataset,
    *,
    prompts: Path = PROMPTS,
    out: Path,
    say: Callable[[str], None],
    trust: bool = True,
) -> dict[str, Any]:
    """Draws every prompt once in the default style, seed = its number; the sheet goes to `out`/composed.png.

    Returns a table for the card: shares passed, whole and by kind and check; with `trust`, also those of true painted
    scenes and of scenes held against the wrong prompts. Raises Invalid for a bad file of prompts.
    """
    style = artist.card.defaults.style
    eye, asked = open_eye(judge, dataset, style), read_prompts(prompts)
    drawings = [Asked(words=wanted.words, style=style, seed=seed) for seed, wanted in enumerate(asked)]
    pictures = [straight(picture) for part in artist.in_parts(drawings) for picture in part]
    found = [checks(picture, wanted, eye) for picture, wanted in zip(pictures, asked, strict=True)]
    sheet(pictures, [(w.words, _passed(f)) for w, f in zip(asked, found, strict=True)]).save(out / "composed.png")
    results = {"drawn": rates(asked, found)}
    if trust:
        results |= trusted(eye, dataset, style)
    for name, numbers in results.items():
        say(f"{name:<9}" + "  ".join(f"{key} {value:.2f}" for key, value in numbers.items()))
    return results


def open_eye(judge: Judge, dataset: Dataset, style: str) -> Eye:
    things = things_of(dataset, (style,))[style]
    return Eye(judge=judge, natural={dataset.records[t.record].concept: t.look for t in things if t.look})


def rates(asked: Sequence[Wanted], found: Sequence[Mapping[str, bool]]) -> dict[str, float]:
    """Share of prompts passed: all, by kind, and by check where that was asked for."""
    table: dict[str, list[bool]] = {"all": [_passed(each) for each in found]}
    for wanted, each in zip(asked, found, strict=True):
        table.setdefault(wanted.kind, []).append(_passed(each))
    for each in found:
        for check, passed in each.items():
            table.setdefault(f"check_{check}", []).append(passed)
    return {name: float(np.mean(passed)) for name, passed in table.items()}


def _passed(found: Mapping[str, bool]) -> bool:
    return all(found.values())


def trusted(eye: Eye, dataset: Dataset, style: str, number: int = 200) -> dict[str, dict[str, float]]:
    """What the looking says of true painted scenes: "true", and with the prompts of each kind passed on by one:
    "shuffled"."""
    things, pictures = things_of(dataset, (style,)), dataset.pictures(256)
    scenes = [compose(things, np.random.default_rng([0, 4, i])) for i in range(number)]
    asked = [wanted_in(scene, dataset) for scene in scenes]
    painted = [paint(scene, pictures) for scene in scenes]
    wrong = list(asked)
    for kind in SHARES:
        places = [i for i, wanted in enumerate(asked) if wanted.kind == kind]
        for place, other in zip(places, places[1:] + places[:1], strict=True):
            wrong[place] = asked[other]
    sides = {"true": asked, "shuffled": wrong}
    return {
        name: rates(side, [checks(p, w, eye) for p, w in zip(painted, side, strict=True)])
        for name, side in sides.items()
    }


def wanted_in(scene: Scene, dataset: Dataset) -> Wanted:
    """What a composed scene shows, in the terms of prompts."""
    parts = scene.parts[::-1] if scene.kind == "stack" else scene.parts
    things = [Sought(concepts=(dataset.records[p.record].concept,), colour=p.colour) for p in parts]
    several = scene.kind == "count"
    size = place = None
    if scene.kind == "size":
        (part,) = parts
        size = "big" if part.side > 0.8 else "small" if part.side > 0.25 else "tiny"
        x, y = part.centre
        across = "left" if x < 0.45 else "right" if x > 0.55 else ""
        down = "top" if y < 0.45 else "bottom" if y > 0.55 else ""
        place = f"{down} {across}".strip() or "middle"
    return Wanted(
        words=scene.captions[0],
        kind=scene.kind,
        things=tuple(things[:1] if several else things),
        count=len(parts) if several else 1,
        relation=scene.relation,
        ground=(scene.ground.colour, scene.ground.shape) if scene.ground else None,
        size=size,
        place=place,
    )


def straight(picture: Tensor) -> np.ndarray:
    """(4, h, w) premultiplied RGBA, 0..1 -> (h, w, 4) uint8 unpremultiplied."""
    x = picture.permute(1, 2, 0).cpu().numpy()
    colour = x[..., :3] / np.maximum(x[..., 3:], 1e-6)
    return (np.concatenate([colour, x[..., 3:]], axis=-1).clip(0, 1) * 255 + 0.5).astype(np.uint8)


def sheet(pictures: Sequence[np.ndarray], told: Iterable[tuple[str, bool]]) -> Image.Image:
    """Thumbnails with their words under them, in green where they passed and red where not."""
    rows = -(-len(pictures) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * THUMB_PX, rows * (THUMB_PX + LINE_PX)), PAPER)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(9)
    for i, (picture, (words, passed)) in enumerate(zip(pictures, told, strict=True)):
        x, y = i % COLUMNS * THUMB_PX, i // COLUMNS * (THUMB_PX + LINE_PX)
        small = Image.fromarray(picture).convert("RGBa").resize((THUMB_PX - 6, THUMB_PX - 6), Image.Resampling.BOX)
        page.paste(small.convert("RGBA"), (x + 3, y + 3), small.convert("RGBA"))
        half = words.rfind(" ", 0, 22) if len(words) > 22 else -1
        lines = f"{words[:half]}\n{words[half + 1 :]}" if half > 0 else words
        pen.text((x + 3, y + THUMB_PX - 2), lines, fill=PASSED if passed else FAILED, font=font, spacing=1)
    return page
