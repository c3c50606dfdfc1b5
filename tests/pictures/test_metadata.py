"""The two texts in a file: A1111's layout to the letter, and a JSON document that loses nothing."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from impasto.core import Edit, ImageRequest, Init, Invalid, Mask, ModelRef
from impasto.pictures.carriers import dumps, exif, png_info
from impasto.pictures.formats import encode
from impasto.pictures.metadata import describe, parameters_text, read, request_of
from impasto.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from impasto.core import Picture

FORMATS = (".png", ".webp", ".jpg", ".svg")
PLAIN = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=60)


def pairs(line: str) -> dict[str, str]:
    """The last line of the text, read as A1111 tools read it: pairs of key and value, some values in quotes."""
    found = re.findall(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', line)
    return {key: json.loads(value) if value.startswith('"') else value for key, value in found}


def test_layout_of_a1111(picture: Picture) -> None:
    assert parameters_text(describe(picture)) == (
        "a red disc\n"
        "Steps: 4, Sampler: DPM++ 2M, CFG scale: 2.5, Seed: 7, Size: 64x64, Model hash: 0123456789, Model: mini, "
        f"Version: Impasto {__version__}"
    )


def test_negative_words_have_a_line(picture_with: Callable[..., Picture]) -> None:
    text = parameters_text(describe(picture_with(negative="blue, square", guidance=7.0)))
    assert text.splitlines()[:2] == ["a red disc", "Negative prompt: blue, square"]
    assert "CFG scale: 7, " in text


def test_values_that_would_break_the_line_are_quoted(picture: Picture) -> None:
    document = describe(picture)
    document["model"]["name"] = 'my "own", model: 1'
    line = parameters_text(document).splitlines()[-1]
    assert pairs(line)["Model"] == 'my "own", model: 1'
    assert pairs(line)["Version"] == f"Impasto {__version__}"


def test_document_says_everything(picture: Picture) -> None:
    assert describe(picture) == {
        "format": 1,
        "words": "a red disc",
        "template": "a {red|blue} disc",
        "negative": "",
        "style": "flat",
        "seed": 7,
        "sampler": "dpmpp_2m",
        "sigmas": {"curve": "karras", "values": [40.0, 0.30000000000000004, 1e-7, 0.0]},
        "steps": 4,
        "guidance": 2.5,
        "size_px": [64, 64],
        "background": "transparent",
        "model": {"name": "mini", "version": "1.0", "sha256": "0123456789abcdef" * 4},
        "impasto": __version__,
    }


@pytest.mark.parametrize("ending", FORMATS)
@settings(max_examples=25)
@given(words=PLAIN, negative=PLAIN, guidance=st.floats(0, 30))
def test_every_format_gives_back_what_was_put_in(
    picture_with: Callable[..., Picture], ending: str, words: str, negative: str, guidance: float
) -> None:
    picture = picture_with(words=f"{words}\nand more <&>]]> ✓ 狐", negative=negative, guidance=guidance)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture{ending}"
        path.write_bytes(encode(picture, ending))
        found = read(path)
    assert found.document == describe(picture)
    assert found.parameters == parameters_text(describe(picture))


def test_latin_parameters_are_plain_text_chunks_and_others_international(tmp_path: Path) -> None:
    for text, chunk in (("a café", b"tEXtparameters"), ("a 狐", b"iTXtparameters")):
        Image.new("RGB", (2, 2)).save(tmp_path / "x.png", pnginfo=png_info(text, "{}"))
        assert chunk in (tmp_path / "x.png").read_bytes()
        assert b"iTXtimpasto\0" in (tmp_path / "x.png").read_bytes()


def test_user_comment_is_big_endian_utf16_in_a_big_endian_block() -> None:
    raw = exif("狐").tobytes()
    assert b"MM\x00\x2a" in raw
    assert b"UNICODE\0" + "狐".encode("utf-16-be") in raw


def test_request_of_a_document_is_the_drawing(picture: Picture) -> None:
    recorded = request_of(json.loads(dumps(describe(picture))))
    assert recorded.request == ImageRequest(
        words="a red disc",
        model="mini",
        style="flat",
        size_px=(64, 64),
        steps=4,
        guidance=2.5,
        sampler="dpmpp_2m",
        sigmas="karras",
        seed=7,
        background="transparent",
    )
    assert recorded.template == "a {red|blue} disc"
    assert (recorded.init_sha256, recorded.mask_sha256) == (None, None)
    assert recorded.model == ModelRef(name="mini", version="1.0", sha256="0123456789abcdef" * 4)


NOTHING = np.zeros((64, 64, 4), np.uint8)
EDIT = Edit(init=Init(sha256="ab" * 32, pixels=NOTHING), mask=None, strength=0.1 + 0.2)
MASKED = Edit(init=EDIT.init, mask=Mask(sha256="cd" * 32, pixels=NOTHING[..., 0]), strength=1.0)


@pytest.mark.parametrize(("edit", "strength"), [(EDIT, "0.3"), (MASKED, "1")])
def test_what_it_was_drawn_from_is_told(picture_with: Callable[..., Picture], edit: Edit, strength: str) -> None:
    document = describe(picture_with(edit=edit))
    mask = edit.mask and edit.mask.sha256
    assert document["edit"] == {"strength": edit.strength, "init_sha256": "ab" * 32, "mask_sha256": mask}
    assert {k: v for k, v in document.items() if k != "edit"} == describe(picture_with())
    assert f"Model: mini, Denoising strength: {strength}, Version: " in parameters_text(document)
    recorded = request_of(json.loads(dumps(document)))
    assert recorded.request.strength == edit.strength
    assert (recorded.init_sha256, recorded.mask_sha256) == ("ab" * 32, mask)
    assert (recorded.request.init, recorded.request.mask) == (None, None)


@pytest.mark.parametrize(
    "change",
    [{"strength": "1"}, {"strength": None}, {"init_sha256": None}, {"mask_sha256": 3}, None, 1, {}],
)
def test_damaged_edits_are_refused(picture_with: Callable[..., Picture], change: object) -> None:
    document = describe(picture_with(edit=MASKED))
    edit = document["edit"] | change if isinstance(change, dict) and change else change
    with pytest.raises(Invalid, match="its parameters are damaged"):
        request_of(document | {"edit": edit})


@pytest.mark.parametrize("key", ["words", "negative", "style", "seed", "sampler", "steps", "guidance", "background"])
@pytest.mark.parametrize("value", [None, [], True])
def test_damaged_document_names_the_key(picture: Picture, key: str, value: object) -> None:
    with pytest.raises(Invalid, match=f"its parameters are damaged: {key} "):
        request_of(describe(picture) | {key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("size_px", [64]), ("size_px", ["64", 64]), ("seed", 2**32), ("seed", -1), ("sigmas", {}), ("model", {})],
)
def test_damaged_parts_are_refused(picture: Picture, key: str, value: object) -> None:
    with pytest.raises(Invalid, match="its parameters are damaged"):
        request_of(describe(picture) | {key: value})


def put(path: Path, json_text: str) -> Path:
    info = PngInfo()
    info.add_itxt("impasto", json_text)
    Image.new("RGB", (2, 2)).save(path, pnginfo=info)
    return path


@pytest.mark.parametrize(
    ("json_text", "says"),
    [("{", "are damaged"), ("[]", "of a format"), ("{}", "of a format"), ('{"format":2}', "of a format")],
)
def test_documents_of_another_kind_are_refused(tmp_path: Path, json_text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        read(put(tmp_path / "x.png", json_text))


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg xmlns="urn:x">&b;</svg>'


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.png", b"not a picture", "is no readable"),
        ("x.png", b"\x89PNG\r\n\x1a\n", "is no readable"),
        ("x.svg", b"<svg", "is no readable"),
        ("x.svg", b"\xff\xfe\xff", "is no readable"),
        ("x.svg", BOMB.encode(), "is no readable"),
        ("x.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "carries no parameters"),
        ("x.txt", b"", "is no readable"),
    ],
)
def test_files_that_say_nothing_are_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Invalid, match=says):
        read(tmp_path / name)


@pytest.mark.parametrize("ending", [".png", ".webp", ".jpg"])
def test_cut_or_plain_files_are_refused(picture: Picture, tmp_path: Path, ending: str) -> None:
    whole, path = encode(picture, ending), tmp_path / f"x{ending}"
    path.write_bytes(whole[: len(whole) // 8])
    with pytest.raises(Invalid):
        read(path)
    picture.image.convert("RGB").save(path)
    with pytest.raises(Invalid, match="carries no parameters"):
        read(path)
    with pytest.raises(Invalid, match="there is no file"):
        read(tmp_path)
