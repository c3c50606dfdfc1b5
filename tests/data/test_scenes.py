"""Scenes: what a caption says is what is painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from impasto.data.colours import COLOURS, look_of, names_of, oklab, recolour, srgb
from impasto.data.painting import cover, paint
from impasto.data.records import Record
from impasto.data.scenes import KINDS, NUMBERS, SHARES, Ground, Part, Scene, compose
from impasto.data.things import COMMON, Thing, common_words, things_of, words_for

STYLES = ("flat", "soft")
CONCEPTS = ("cat", "dog", "automobile", "honeybee", "red-apple", "star", "tulip", "lantern fish")
FILLS = (
    (230, 120, 40),
    (140, 90, 40),
    (60, 110, 220),
    (240, 200, 40),
    (220, 40, 50),
    (250, 210, 60),
    (240, 120, 180),
    None,
)


def picture(row: int, fill: tuple[int, int, int] | None) -> np.ndarray:
    """An ellipse of one colour with a dark outline and a white spot; without a fill, two colours side by side."""
    y, x = np.mgrid[:256, :256]
    away = np.hypot((x - 128) / (60 + 8 * (row % 5)), (y - 128) / (100 - 9 * (row % 6)))
    rgba = np.zeros((256, 256, 4), np.uint8)
    rgba[away < 1] = (25, 25, 30, 255)
    rgba[away < 0.92, :3] = fill or (220, 40, 50)
    if fill is None:
        rgba[(away < 0.92) & (x > 128), :3] = (60, 110, 220)
    rgba[np.hypot(x - 110, y - 100) < 8, :3] = 255
    return rgba


def record(concept: str, style: str, split: str = "train", group: str | None = "animals-nature") -> Record:
    said = {"package": "made", "package_version": "1", "author": "a test", "licence": "CC0-1.0", "licence_url": ""}
    return Record(
        id=f"{style}/{concept}", concept=concept, style=style, sha256="", name=concept, captions=(concept,), emoji=None,
        group=group, split=split, shard=0, **said,
    )  # fmt: skip


@dataclass
class Shelf:
    """As much of a data set as scenes need."""

    records: list[Record]
    array: np.ndarray

    def pictures(self, size_px: int) -> np.ndarray:
        assert size_px == 256
        return self.array


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    records = [record(concept, style) for style in STYLES for concept in CONCEPTS]
    records.append(record("fox", "flat", split="held_out"))
    array = [picture(i, FILLS[i % len(FILLS)]) for i in range(len(CONCEPTS) * len(STYLES))]
    return Shelf(records, np.stack([*array, picture(0, (200, 30, 30))]))


@pytest.fixture(scope="module")
def things(shelf) -> dict[str, list[Thing]]:
    return things_of(shelf, STYLES)


def drawn(things, kind: str | None, number: int = 60, **chances) -> list[Scene]:
    shares = {kind: 1.0} if kind else SHARES
    return [compose(things, np.random.default_rng([1, i]), shares=shares, **chances) for i in range(number)]


def blobs(rgba: np.ndarray) -> int:
    labelled, _ = ndimage.label(rgba[..., 3] > 64)
    return int((np.bincount(labelled.ravel())[1:] > 30).sum())


def middle(scene: Scene, part: Part, painted: np.ndarray) -> np.ndarray:
    """Pixels well inside a part."""
    x, y = (round(v * 256) for v in part.centre)
    reach = max(2, round(part.side * 256 * 0.1))
    return painted[y - reach : y + reach, x - reach : x + reach]


def test_no_held_out_picture_is_a_thing(shelf, things):
    used = {shelf.records[thing.record] for some in things.values() for thing in some}
    assert used
    assert all(r.split == "train" for r in used)
    parts = {part.record for scene in drawn(things, None, 200) for part in scene.parts}
    assert parts
    assert all(shelf.records[i].split == "train" for i in parts)


def test_the_things_of_a_scene_share_its_style(shelf, things):
    for scene in drawn(things, None, 200):
        assert {shelf.records[part.record].style for part in scene.parts} == {scene.style}


def test_the_same_generator_gives_the_same_scene_and_pixels(shelf, things):
    one, other = drawn(things, None, 40), drawn(things, None, 40)
    assert one == other
    for a, b in zip(one[:10], other[:10], strict=True):
        assert (paint(a, shelf.array) == paint(b, shelf.array)).all()


def test_captions_are_distinct_plain_and_short(things):
    for scene in drawn(things, None, 300):
        assert scene.captions
        assert len(set(scene.captions)) == len(scene.captions)
        for caption in scene.captions:
            assert caption == " ".join(caption.split())
            assert len(caption.split()) <= 15
            assert " a orange" not in f" {caption}"
            assert " an cat" not in f" {caption}"


def test_captions_name_the_things_in_the_scene(shelf, things):
    words = {thing.record: thing.words for some in things.values() for thing in some}
    for kind in set(KINDS) - {"count"}:
        for scene in drawn(things, kind, 40):
            for part in scene.parts:
                for caption in scene.captions:
                    assert any(word in caption for word in words[part.record]), (caption, words[part.record])


def test_captions_name_every_colour_asked_for_and_no_other(things):
    for scene in drawn(things, None, 300, coloured=0.5):
        asked = {part.colour for part in scene.parts if part.colour}
        asked |= {scene.ground.colour} if scene.ground else set()
        for caption in scene.captions:
            assert {word for word in caption.replace(",", "").split() if word in COLOURS} == asked, caption


def test_a_count_paints_that_many_separate_blobs(shelf, things):
    for scene in drawn(things, "count", 80):
        number = len(scene.parts)
        assert len({part.record for part in scene.parts}) == 1
        assert any(f"{NUMBERS[number]} " in caption or f"{number} " in caption for caption in scene.captions)
        if scene.ground is None:
            assert blobs(paint(scene, shelf.array)) == number


def test_things_side_by_side_do_not_touch_and_stand_as_they_are_said_to(shelf, things):
    for scene in drawn(things, "beside"):
        first, second = scene.parts
        assert blobs(paint(scene, shelf.array)) == 2
        assert (first.centre[0] < second.centre[0]) == (scene.relation == "left")


def test_stacked_things_are_where_they_are_said_to_be(things):
    found = set()
    for scene in drawn(things, "stack", 120):
        other, one = scene.parts
        found.add(scene.relation)
        if scene.relation == "before":
            assert one.side < other.side
            assert one.centre[1] > other.centre[1]
        else:
            assert one.centre[1] < other.centre[1]
    assert found == {"on", "above", "before"}


def test_a_corner_is_the_one_named(things):
    for scene in drawn(things, "size", 120):
        for caption in scene.captions:
            for word, axis, low in (("left", 0, True), ("right", 0, False), ("top", 1, True), ("bottom", 1, False)):
                if word in caption.split():
                    assert (scene.parts[0].centre[axis] < 0.5) == low


def test_nothing_leaves_the_canvas(shelf, things):
    shapes = {thing.record: thing.shape for some in things.values() for thing in some}
    for scene in drawn(things, None, 300):
        for part in scene.parts:
            for centre, length in zip(part.centre, shapes[part.record], strict=True):
                assert centre - part.side * length / 2 > -0.005
                assert centre + part.side * length / 2 < 1.005
    painted = paint(drawn(things, "count", 1)[0], shelf.array)
    assert painted.shape == (256, 256, 4)
    assert painted.dtype == np.uint8


@pytest.mark.parametrize("colour", COLOURS)
def test_a_recoloured_thing_has_the_colour_asked_for(shelf, colour):
    for row, fill in enumerate(FILLS):
        if fill is None:
            continue
        part = Part(record=row, centre=(0.5, 0.5), side=0.8, colour=colour)
        painted = paint(Scene(kind="look", captions=("x",), style="flat", parts=(part,)), shelf.array)
        names = names_of(oklab(painted[140:160, 120:140, :3]))
        assert (names == list(COLOURS).index(colour)).mean() > 0.95, (fill, colour)


def test_recolouring_keeps_outlines_highlights_and_alpha():
    rgba = picture(0, (220, 40, 50))
    blue = recolour(rgba, look_of(rgba), "blue")
    assert (blue[..., 3] == rgba[..., 3]).all()
    assert np.abs(blue[100, 110, :3].astype(int) - 255).max() < 4, "the white spot"
    assert np.abs(blue[128, 70, :3].astype(int) - (25, 25, 30)).max() < 12, "the outline"


def test_recolouring_keeps_light_and_shade():
    rgba = picture(0, (200, 40, 50))
    rgba[150:170, 100:150, :3] = (130, 20, 30)
    green = recolour(rgba, look_of(rgba), "green")
    assert oklab(green[160, 125, :3])[0] < oklab(green[128, 140, :3])[0] - 0.1


@pytest.mark.parametrize(
    ("fill", "name"), [((150, 150, 155), "grey"), ((245, 245, 245), "white"), ((50, 50, 52), "black")]
)
def test_grey_things_take_a_colour_and_keep_what_has_one(fill, name):
    rgba = picture(0, fill)
    rgba[150:160, 120:135, :3] = (230, 60, 60)
    look = look_of(rgba)
    assert look.name == name
    pink = recolour(rgba, look, "pink")
    assert (names_of(oklab(pink[125:145, 130:160, :3])) == list(COLOURS).index("pink")).mean() > 0.95
    assert np.abs(pink[155, 127, :3].astype(int) - (230, 60, 60)).max() < 6, "its red part"


def test_a_thing_of_two_colours_has_no_one_look():
    assert look_of(picture(0, None)) is None
    assert look_of(picture(0, (220, 40, 50))).name == "red"
    assert look_of(np.zeros((256, 256, 4), np.uint8)) is None


@pytest.mark.parametrize("colour", COLOURS)
def test_each_colour_is_called_by_its_own_name(colour):
    light, chroma, hue = COLOURS[colour]
    lab = np.array([light, chroma * np.cos(np.deg2rad(hue)), chroma * np.sin(np.deg2rad(hue))], np.float32)
    back = oklab(srgb(lab))
    assert list(COLOURS)[int(names_of(back[None])[0])] == colour
    assert np.abs(back - lab).max() < 0.05


def test_oklab_gives_the_published_numbers():
    assert oklab(np.array([255, 255, 255])) == pytest.approx([1, 0, 0], abs=1e-3)
    assert oklab(np.array([255, 0, 0])) == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)
    everything = np.random.default_rng(0).integers(0, 256, (500, 3))
    assert np.abs(srgb(oklab(everything)).astype(int) - everything).max() <= 4


@pytest.mark.parametrize("shape", ["circle", "square", "rounded square", "diamond", "heart", "background"])
def test_a_ground_is_painted_whole_and_in_its_colour(shape):
    scene = Scene(kind="ground", captions=("x",), style="flat", parts=(), ground=Ground(shape=shape, colour="yellow"))
    painted = paint(scene, np.zeros((0, 256, 256, 4), np.uint8))
    assert blobs(painted) == 1
    assert list(COLOURS)[int(names_of(oklab(painted[128:129, 128, :3]))[0])] == "yellow"
    alpha = cover(shape, 256)
    assert np.abs(alpha - alpha[:, ::-1]).max() < 1e-9, "as wide to the left as to the right"


def test_a_ground_covers_the_area_that_geometry_says():
    assert cover("circle", 256).mean() == pytest.approx(np.pi / 4, abs=0.005)
    assert cover("diamond", 256).mean() == pytest.approx(0.5, abs=0.005)
    assert cover("square", 256).mean() == 1


def test_a_thing_over_another_hides_it(shelf):
    back = Part(record=2, centre=(0.5, 0.5), side=0.9)
    front = Part(record=4, centre=(0.5, 0.5), side=0.5)
    painted = paint(Scene(kind="stack", captions=("x",), style="flat", parts=(back, front)), shelf.array)
    assert painted[140, 140, 0] > 180
    assert painted[140, 140, 2] < 100


def test_only_plain_names_become_words():
    assert words_for(record("automobile", "flat")) == ("car",)
    assert words_for(record("lantern fish", "flat")) == ("lantern fish",)
    assert words_for(record("flag: France", "flat")) == ()
    assert words_for(record("black bird", "flat")) == (), "its colour is part of its name"
    assert words_for(record("badger", "flat", group="people-body")) == ()
    assert words_for(record("badgers", "flat")) == (), "several of them already"


def test_common_things_have_words_of_their_own():
    assert all(common_words(concept) for concept in COMMON)
    assert common_words("ice-cream") == ("ice cream",)
    assert common_words("no such thing") == ()


def test_shares_decide_the_kinds(things):
    kinds = [scene.kind for scene in drawn(things, None, 600)]
    for kind, share in SHARES.items():
        assert kinds.count(kind) / 600 == pytest.approx(share, abs=0.06)
