"""The check of composed prompts: what it must pass, and what it must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from impasto.core import Invalid
from impasto.data.colours import look_of
from impasto.data.painting import paint
from impasto.data.scenes import Ground, Part, Scene
from impasto.training import looking
from impasto.training.composed import PROMPTS, rates, read_prompts, sheet, straight
from impasto.training.judge import Judge
from impasto.training.looking import (
    Eye,
    Sought,
    Wanted,
    blobs,
    checks,
    has_ground,
    has_size,
    is_coloured,
    is_placed,
    without_ground,
)

RED, BLUE = (220, 40, 50), (50, 110, 220)


def disc(fill: tuple[int, int, int]) -> np.ndarray:
    y, x = np.mgrid[:256, :256]
    return np.where((np.hypot(x - 127.5, y - 127.5) < 120)[..., None], (*fill, 255), 0).astype(np.uint8)


def bar(fill: tuple[int, int, int]) -> np.ndarray:
    rgba = np.zeros((256, 256, 4), np.uint8)
    rgba[70:186, 8:248] = (*fill, 255)
    return rgba


SHELF = np.stack([disc(RED), bar(BLUE)])
BALL, BRICK = Sought(concepts=("ball",)), Sought(concepts=("brick",))


class ByOutline(torch.nn.Module):
    """Tells a brick from a ball, whatever their colour, by how much of the picture is clear at its sides."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        rows = pictures[:, 3].amax(dim=2).mean(dim=1)  # the share of rows in which anything is painted
        return torch.stack([rows, 1.4 - rows], dim=-1)

    def scores(self, features: torch.Tensor) -> torch.Tensor:
        return torch.cat([features, torch.full((len(features), 10), 0.7)], dim=-1)


@pytest.fixture
def eye(monkeypatch) -> Eye:
    monkeypatch.setattr(looking, "SEEN", 1)
    classes = {"ball": 0, "brick": 1} | {f"other {i}": i + 2 for i in range(10)}
    judge = Judge(net=ByOutline(), features=torch.zeros(1, 2), styles=np.array(["a"]), classes=classes)
    return Eye(judge=judge, natural={"ball": look_of(SHELF[0]), "brick": look_of(SHELF[1])})


def scene(
    *parts: tuple[int, float, float, float], ground: Ground | None = None, colour: str | None = None
) -> np.ndarray:
    laid = tuple(Part(record=r, centre=(x, y), side=side, colour=colour) for r, x, y, side in parts)
    return paint(Scene(kind="x", captions=("x",), style="a", parts=laid, ground=ground), SHELF)


def wanted(*things: Sought, **asked) -> Wanted:
    return Wanted(words="x", kind="x", things=things, **asked)


BOTH = scene((0, 0.25, 0.5, 0.45), (1, 0.75, 0.5, 0.45))


def test_one_thing_is_seen_and_another_is_not(eye):
    assert checks(scene((0, 0.5, 0.5, 0.9)), wanted(BALL), eye) == {"things": True}
    assert checks(scene((0, 0.5, 0.5, 0.9)), wanted(BRICK), eye) == {"things": False}
    assert checks(np.zeros((256, 256, 4), np.uint8), wanted(BALL, size="big", place="corner"), eye) == {
        "things": False,
        "size": False,
        "place": False,
    }


def test_a_count_is_that_many_and_no_other(eye):
    two = scene((0, 0.25, 0.5, 0.4), (0, 0.75, 0.5, 0.4))
    assert checks(two, wanted(BALL, count=2), eye) == {"count": True, "things": True}
    assert checks(two, wanted(BALL, count=3), eye)["count"] is False
    assert checks(two, wanted(BRICK, count=2), eye)["things"] is False
    touching = scene((0, 0.35, 0.5, 0.4), (0, 0.65, 0.5, 0.4))
    assert len(blobs(touching)) == 1


def test_specks_are_no_things():
    picture = scene((0, 0.5, 0.5, 0.8))
    picture[2:8, 2:8] = 255
    assert len(blobs(picture)) == 1


@pytest.mark.parametrize(("relation", "stands"), [("beside", True), ("left", True), ("right", False)])
def test_sides_are_told_apart(eye, relation, stands):
    found = checks(BOTH, wanted(BALL, BRICK, relation=relation), eye)
    assert found == {"things": True, "relation": stands}


def test_beside_holds_both_ways_but_both_must_be_there(eye):
    assert all(checks(BOTH, wanted(BRICK, BALL, relation="beside"), eye).values())
    balls = scene((0, 0.25, 0.5, 0.4), (0, 0.75, 0.5, 0.4))
    assert checks(balls, wanted(BALL, BRICK, relation="beside"), eye) == {"things": False, "relation": False}


def test_above_is_not_below(eye):
    picture = scene((1, 0.5, 0.8, 0.6), (0, 0.5, 0.27, 0.5))
    assert all(checks(picture, wanted(BALL, BRICK, relation="on"), eye).values())
    assert checks(picture, wanted(BRICK, BALL, relation="on"), eye)["relation"] is False


def test_each_of_two_things_has_its_own_colour(eye):
    red, blue = replace(BALL, colour="red"), replace(BRICK, colour="blue")
    assert all(checks(BOTH, wanted(red, blue, relation="beside"), eye).values())
    swapped = wanted(replace(BALL, colour="blue"), replace(BRICK, colour="red"), relation="beside")
    assert checks(BOTH, swapped, eye)["colour"] is False


@pytest.mark.parametrize("colour", ["red", "green", "blue", "yellow", "black", "white", "grey", "brown", "pink"])
def test_a_colour_is_that_one_alone(colour):
    picture = scene((0, 0.5, 0.5, 0.9), colour=colour)
    assert [name for name in ("red", "green", "blue", "yellow", "black", "white", "grey", "brown", "pink")
            if is_coloured(picture, name)] == [colour]  # fmt: skip


def test_grounds_are_told_by_shape_and_colour(eye):
    for shape in ("circle", "square", "diamond", "heart"):
        picture = scene((1, 0.5, 0.5, 0.4), ground=Ground(shape=shape, colour="yellow", side=0.95))
        assert has_ground(picture, "yellow", shape), shape
        assert not has_ground(picture, "green", shape)
        assert not has_ground(picture, "yellow", "circle" if shape != "circle" else "square")
        rest = without_ground(picture, "yellow")
        assert checks(rest, wanted(BRICK), eye) == {"things": True}
        assert 0.8 < (rest[..., 3] > 0).sum() / (scene((1, 0.5, 0.5, 0.4))[..., 3] > 0).sum() < 1.1
    assert not has_ground(scene((0, 0.5, 0.5, 0.4)), "red", "circle"), "a small thing is no ground"


def test_a_whole_background_is_one_ground():
    picture = scene((0, 0.5, 0.5, 0.5), ground=Ground(shape="background", colour="pink"))
    assert has_ground(picture, "pink", "background")
    assert not has_ground(picture, "pink", "circle")


def test_sizes_and_places():
    small = scene((0, 0.2, 0.2, 0.3))
    assert has_size(small, "small")
    assert not has_size(small, "big")
    assert is_placed(small, "top left")
    assert is_placed(small, "corner")
    assert is_placed(small, "left")
    assert not is_placed(small, "bottom left")
    assert not is_placed(small, "middle")
    assert is_placed(scene((0, 0.5, 0.5, 0.3)), "middle")


def test_rates_count_what_was_asked():
    asked = [wanted(BALL), wanted(BALL), replace(wanted(BALL), kind="y")]
    found = [{"things": True, "colour": False}, {"things": True}, {"things": False}]
    assert rates(asked, found) == {
        "all": pytest.approx(1 / 3),
        "x": 0.5,
        "y": 0.0,
        "check_things": pytest.approx(2 / 3),
        "check_colour": 0.0,
    }


def test_the_prompts_of_mini_are_two_hundred_and_each_can_be_checked():
    asked = read_prompts(PROMPTS)
    assert len(asked) == 200
    assert len({each.words for each in asked}) == 200
    for each in asked:
        assert len(each.things) == (2 if each.relation else 1), each.words
        for thing in each.things:
            assert thing.concepts
            assert thing.colour is None or thing.colour in each.words
        if each.ground:
            assert each.ground[0] in each.words


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("same = {}\n[prompts]\nx = [{ words = 'a', things = [] }]", "things"),
        ("same = {}\n[prompts]\nx = [{ words = 'a', things = ['b'], relation = 'near' }]", "relation"),
        ("same = {}\n[prompts]\nx = [{ words = 'a', things = ['b'], what = 1 }]", "what"),
        ("same =", "not TOML"),
    ],
)
def test_wrong_prompts_are_refused_by_name(tmp_path, text, told):
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(Invalid, match=told):
        read_prompts(path)
    with pytest.raises(Invalid, match="cannot be read"):
        read_prompts(tmp_path / "none.toml")


def test_pixels_come_back_from_premultiplied():
    x = torch.tensor([0.25, 0.0, 0.5, 0.5])[:, None, None].expand(4, 2, 3)
    assert (straight(x) == np.array([128, 0, 255, 128], np.uint8)).all()


def test_a_sheet_marks_what_passed():
    clear = np.zeros_like(BOTH)
    page = np.asarray(sheet([clear] * 2, [("a ball and a brick on some line", True), ("XXX", False)])).astype(int)
    first, second = page[:, :104], page[:, 104:208]
    assert (first[..., 1] - first[..., 0]).max() > 30, "green"
    assert (second[..., 0] - second[..., 1]).max() > 30, "red"
    assert (first[..., 0] - first[..., 1]).max() <= 0
