"""Content Credentials: what the specification's own reader says of our files, and of what became of them."""

from __future__ import annotations

import json
import stat
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from impasto.core import Damaged, Drawing, Edit, Init, Invalid, ModelRef, Picture
from impasto.pictures.formats import encode
from impasto.pictures.metadata import read_any
from impasto.safety.credentials import CHAIN, KEY, ROOT, Signing, read
from impasto.safety.verify import verify

c2pa = pytest.importorskip("c2pa")

MODEL = ModelRef(name="tiny", version="3", sha256="ab" * 32)


def picture(edit: Edit | None = None) -> Picture:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 4), np.uint8)
    drawing = Drawing(
        words="a secret fox", negative="", style="", width_px=64, height_px=64, steps=2, guidance=1.0,
        sampler="euler", sigmas="flow", seed=7, background="transparent", edit=edit,
    )  # fmt: skip
    return Picture(pixels=pixels, drawing=drawing, model=MODEL, sigma_values=(1.0, 0.0), took_s=0.1)


@pytest.fixture(scope="module")
def signing(tmp_path_factory) -> Signing:
    return Signing(tmp_path_factory.mktemp("house") / "credentials")


@pytest.fixture(scope="module")
def marked(signing) -> bytes:
    return signing.mark(encode(picture(), ".png"), picture())


def test_the_specifications_own_reader_finds_what_made_it(marked):
    with c2pa.Reader("image/png", BytesIO(marked)) as reader:
        told = json.loads(reader.json())
        assert reader.get_validation_state() == "Valid"
    assert [one["code"] for one in told["validation_status"]] == ["signingCredential.untrusted"]
    [actions] = [a for a in told["manifests"][told["active_manifest"]]["assertions"] if a["label"] == "c2pa.actions.v2"]
    [created] = actions["data"]["actions"]
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert "fox" not in json.dumps(told), "words are no part of what is signed"


def test_a_mark_changes_no_pixel_and_no_parameter(marked):
    plain = encode(picture(), ".png")
    assert np.array_equal(np.asarray(Image.open(BytesIO(marked))), np.asarray(Image.open(BytesIO(plain))))
    assert read_any(marked) == read_any(plain)
    assert len(marked) - len(plain) < 6_000


def test_who_signed_is_trusted_only_where_it_is_known(signing, marked, tmp_path):
    found = signing.read(marked)
    assert (found.state, found.made_by_machine, found.model) == (
        "trusted", True, {"name": "tiny", "version": "3", "sha256": "ab" * 32},
    )  # fmt: skip
    assert read(marked).state == "valid"
    assert Signing(tmp_path / "foreign").read(marked).state == "valid", "a foreign signer is nobody here"


def test_a_changed_byte_a_changed_claim_and_a_saved_copy_are_told_apart(signing, marked):
    pixels = bytearray(marked)
    pixels[marked.rindex(b"IDAT") + 40] ^= 1
    assert signing.read(bytes(pixels)).faults == ("assertion.dataHash.mismatch",)
    claim = bytearray(marked)
    claim[marked.index(b"trainedAlgorithmicMedia")] ^= 1
    assert signing.read(bytes(claim)).state == "tampered"
    again = BytesIO()
    Image.open(BytesIO(marked)).save(again, "PNG")
    assert signing.read(again.getvalue()).state == "none"


def test_an_edit_names_what_it_was_made_from(signing):
    init = Init(sha256="cd" * 32, pixels=np.zeros((64, 64, 4), np.uint8))
    edited = picture(Edit(init=init, mask=None, strength=0.5))
    marked = signing.mark(encode(edited, ".png"), edited)
    found = signing.read(marked)
    assert (found.state, found.made_by_machine) == ("trusted", True)
    with c2pa.Reader("image/png", BytesIO(marked)) as reader:
        told = json.loads(reader.json())
    [ingredient] = told["manifests"][told["active_manifest"]]["ingredients"]
    assert ingredient["relationship"] == "parentOf"
    assert "compositeWithTrainedAlgorithmicMedia" in json.dumps(told)


@pytest.mark.parametrize("ending", [".png", ".webp", ".jpg", ".svg"])
def test_another_file_of_it_tells_the_same_story(signing, marked, ending):
    other = signing.follow(encode(picture(), ending), marked)
    found = signing.read(other)
    assert (found.state, found.made_by_machine) == ("trusted", True)
    assert found.model is not None
    assert found.model["name"] == "tiny"


def test_the_key_is_its_owners_alone_and_lasts(signing, tmp_path):
    folder = tmp_path / "keys"
    first = Signing(folder)
    assert {path.name for path in folder.iterdir()} == {CHAIN, KEY, ROOT}
    assert stat.S_IMODE((folder / KEY).stat().st_mode) == 0o600
    marked = first.mark(encode(picture(), ".png"), picture())
    assert Signing(folder).read(marked).state == "trusted"
    (folder / CHAIN).unlink()
    with pytest.raises(Damaged, match=r"holds key\.pem but not the other"):
        Signing(folder)


def test_a_key_that_is_not_the_chains_is_refused_at_the_start(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    Signing(one), Signing(other)
    (one / KEY).write_text("no key")
    with pytest.raises(Damaged, match="cannot sign"):
        Signing(one)


def test_the_answer_says_how_far_it_can_be_believed(signing, marked):
    assert verify(marked, signing.read).origin == "machine"
    stranger = verify(marked, read)
    assert (stranger.origin, stranger.findings[0].how) == ("machine_perhaps", "signed")
    changed = bytearray(marked)
    changed[marked.rindex(b"IDAT") + 40] ^= 1
    told = verify(marked[: marked.rindex(b"IDAT") + 40] + bytes(changed[marked.rindex(b"IDAT") + 40 :]), signing.read)
    assert told.findings[0].how == "contradicted"
    assert "changed after it was signed" in told.answer
    written = verify(encode(picture(), ".png"), signing.read)
    assert (written.origin, [one.how for one in written.findings]) == ("machine_perhaps", ["said"])


def test_nothing_is_ever_called_real(signing):
    out = BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    report = verify(out.getvalue(), signing.read)
    assert (report.origin, report.findings) == ("unknown", ())
    assert "real" not in report.answer
    assert "may be a photograph" in report.unknowable
    with pytest.raises(Invalid, match="file: "):
        verify(b"no picture", signing.read)


def test_other_tools_are_known_by_what_only_they_write(signing):
    from PIL.PngImagePlugin import PngInfo

    for key, tool in (("workflow", "ComfyUI"), ("invokeai_metadata", "InvokeAI")):
        out, info = BytesIO(), PngInfo()
        info.add_text(key, "{}")
        Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=info)
        [found] = verify(out.getvalue(), signing.read).findings
        assert (found.how, tool in found.says) == ("said", True)
