"""What the pages are made of, without a browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from impasto.core import Caller, Init, Invalid, Job, Quote, StoredPicture
from impasto.models.registry import load, shipped
from impasto.studio import contexts, languages
from impasto.studio.forms import read_form
from impasto.studio.look import HERE, STATIC, templates

CARD = load(shipped() / "mini").card
AT = datetime(2026, 1, 1, tzinfo=UTC)
PERSON = contexts.Person(name="local", alone=True)


def job(**said: object) -> Job:
    quote = Quote(credit_micros=400_000, picture_micros=200_000, count=2)
    plain = {
        "kind": "generate",
        "state": "running",
        "words": "a <b>fox</b>",
        "model": "mini",
        "count": 2,
        "charged_micros": 0,
    }
    return Job(**{"id": "j", "account": "ann", "quote": quote, "created_at": AT, **plain, **said})


def stored(index: int) -> StoredPicture:
    return StoredPicture(
        id=f"p{index}", job_id="j", index=index, sha256="0", width_px=256, height_px=256, seed=7 + index
    )


def test_a_card_has_a_place_for_each_picture_while_it_runs_and_what_was_made_once_it_ended() -> None:
    running = contexts.job_card(job(pictures=(stored(1),), done_share=0.5), [CARD], {0: "data:,"})
    assert [(slot.preview, slot.tile and slot.tile.id) for slot in running.slots] == [("data:,", None), ("", "p1")]
    assert (running.percent, running.ended) == (50, False)
    ended = contexts.job_card(job(state="cancelled", pictures=(stored(1),)), [CARD])
    assert [slot.tile and slot.tile.id for slot in ended.slots] == ["p1"]


@pytest.mark.parametrize("state", ["queued", "running", "done", "failed", "refused", "cancelled"])
@pytest.mark.parametrize("language", languages.known())
def test_every_state_has_words_and_escapes_what_people_wrote(state: str, language: str) -> None:
    card = contexts.job_card(job(state=state, position=3, reason='"><script>', pictures=(stored(0),)), [CARD])
    shown = templates(language).get_template("parts/job.html").render(card=card)
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert ("sse-connect" in shown) == (not card.ended)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"words": "x", "colour": "1"}, "colour"),
        ({"words": "x", "count": "9"}, "count"),
        ({"words": "x", "seed": "-1"}, "seed"),
        ({"words": "x", "size": "big"}, "size"),
        ({}, "words"),
    ],
)
def test_a_form_says_which_field_is_wrong(fields: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_form(fields)
    assert refused.value.field == field


def test_a_form_left_empty_is_the_models_default() -> None:
    asked = read_form({"words": " a fox ", "seed": "", "steps": "", "size": "256x256", "strength": "0.5", "count": "2"})
    request = asked.request()
    assert (request.words, request.seed, request.steps, request.size_px, request.count) == (
        "a fox",
        None,
        None,
        (256, 256),
        2,
    )
    assert request.strength is None  # there is nothing to start from
    init = Init(sha256="0", pixels=np.zeros((1, 1, 4), np.uint8))
    assert asked.request(init).strength == 0.5


def test_money_is_shown_as_people_write_it() -> None:
    quote = Quote(credit_micros=800_000, picture_micros=200_000, count=4)
    assert contexts.cost(quote, free=False) == contexts.Cost(credits="0.8", count=4)
    assert contexts.cost(quote, free=True).credits == ""
    caller = Caller(account="ann", name="ann@example.org")
    assert [contexts.person(caller, micros).credits for micros in (100_000_000, 99_800_000, 0)] == ["100", "99.8", "0"]


@pytest.mark.parametrize("language", [code for code in languages.known() if code != languages.FIRST])
def test_every_message_is_said_in_every_language(language: str) -> None:
    said = set()
    for path in (HERE / "templates").rglob("*.html"):
        for _, message in re.findall(r"""_\((["'])(.*?)\1""", path.read_text()):
            said.add(message)
    there = languages.catalogue(language).messages
    assert said - there.keys() == set()
    for message, forms in there.items():
        assert all(forms), message
        for form in forms:
            assert set(re.findall(r"%\(\w+\)s", form)) == set(re.findall(r"%\(\w+\)s", message)), message


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh"),
        ("fr,zh;q=0.5,en;q=0.9", "", "en"),
        ("fr", "", "en"),
        ("", "", "en"),
        ("zh;q=x", "", "en"),
        ("en", "zh", "zh"),
        ("en", "../../etc", "en"),
    ],
)
def test_a_browser_gets_its_language(accepted: str, chosen: str, language: str) -> None:
    assert languages.of_request(accepted, chosen) == language


def test_nothing_in_a_page_is_inline_or_from_elsewhere() -> None:
    """So that a strict Content-Security-Policy costs nothing."""
    for path in [*(HERE / "templates").rglob("*.html"), STATIC / "studio.js", STATIC / "studio.css"]:
        text = path.read_text()
        assert not re.findall(r"https?://", text), path
        if path.suffix == ".html":
            assert not re.findall(r"<style|<script(?![^>]*\bsrc=)|\son\w+=", text), path


def test_vendored_files_are_those_that_are_recorded() -> None:
    import hashlib
    import tomllib

    folder = STATIC / "vendor"
    recorded = tomllib.loads((folder / "vendor.toml").read_text())
    assert set(recorded) == {path.name for path in folder.glob("*.js")}
    for name, about in recorded.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == about["sha256"], name
        assert about["licence"] == "0BSD"


@pytest.mark.parametrize("name", ["create.html", "pictures.html", "read.html"])
def test_pages_without_anything_in_them_say_so(name: str) -> None:
    choice = contexts.model_choice(CARD)
    context = {
        "create.html": contexts.CreatePage(person=PERSON, models=(choice,), chosen=choice, most_at_once=8, jobs=()),
        "pictures.html": contexts.GalleryPage(
            person=PERSON, words="", style="", favourite=False, styles=(), tiles=(), next=None
        ),
        "read.html": contexts.ReadPage(person=PERSON),
    }[name]
    fields = {field: getattr(context, field) for field in context.__dataclass_fields__}
    shown = templates("en").get_template(name).render(page=context, here="", language="en", direction="ltr", **fields)
    assert '<main id="main">' in shown
    assert Path(name).stem == "read" or "nothing" in shown


def test_every_style_of_the_embedded_model_has_a_sample() -> None:
    from impasto.studio.look import samples

    choice = contexts.model_choice(CARD, samples())
    assert all(chip.sample_url for chip in choice.styles)
    for chip in choice.styles:
        assert (STATIC / chip.sample_url.removeprefix("/static/")).is_file()


def test_every_language_has_a_name() -> None:
    assert list(languages.NAMES) == languages.known()
