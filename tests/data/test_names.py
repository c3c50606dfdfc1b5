"""Names: slugs, squashed spellings, concepts shared across sets, synonyms that are safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.data.conftest import WORDNET, deb_of

from impasto.data.openclipart import clean_author, clean_title, title_of_file
from impasto.data.wordnet import common_words, synonyms_of
from impasto.data.words import emoji_key, key_of, slug, split_words, without_number, without_size, word_counts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Piñata", "pinata"),
        ("o’clock", "oclock"),
        ("Rock & Roll", "rock-and-roll"),
        ("  ", ""),
        ("keycap: 6", "keycap-6"),
    ],
)
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_emoji_keys_agree_across_spellings() -> None:
    assert emoji_key("2764-fe0f") == emoji_key("2764") == key_of("❤️") == "2764"
    assert emoji_key("1f468-200d-1f33e") == key_of("👨‍🌾")


def test_endings() -> None:
    assert without_size("home-48") == ("home", 48)
    assert without_size("top-10-list") == ("top-10-list", 0)
    assert without_number("bird-2") == without_number("bird-two") == "bird"


def test_squashed_names_are_read_by_known_words() -> None:
    counts = word_counts(["slice of pie", "pizza", "red bird", "of note", "in the red"])
    assert split_words("sliceofpizza", counts) == "slice of pizza"
    assert split_words("2redbird", counts) == "2 red bird"
    assert split_words("guapimao", counts) == ""


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Red_Apple.svg", "red apple"),
        ("Fox (black and white) by Ann", "fox"),
        ("redApple 04", "red apple"),
        ("12", ""),
        ("a title that has far too many words to be the name of anything", ""),
    ],
)
def test_clip_art_titles(title: str, expected: str) -> None:
    assert clean_title(title) == expected


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Ann Drawer (ann@example.org)", "Ann Drawer"),
        ("Ann Drawer - ann@example.org", "Ann Drawer"),
        ("Ann <ann@example.org>", "Ann"),
        ("mailto:ann@example.org", "ann"),
        ("HASH(0x8a4d510)", "unknown"),
        ("", "unknown"),
    ],
)
def test_authors_are_credited_without_their_addresses(author: str, expected: str) -> None:
    assert clean_author(author) == expected


def test_file_names_lose_their_author() -> None:
    assert title_of_file("dino_architetto_franc_06", "Architetto Francesco Rollandin") == "dino"
    assert title_of_file("aiga_lost_and_found_", "Jean-Victor Balin") == "lost and found"
    assert title_of_file("home4", "Jose Hevia") == "home"


def test_synonyms_only_of_the_kind_of_thing_shown() -> None:
    nouns = {"fox": ("05", ("reynard",)), "taco": ("18", ("an insult",)), "seal": ("06", ("sealing wax",))}
    assert synonyms_of("Fox", "animals-nature", nouns) == ("reynard",)
    assert synonyms_of("taco", "food-drink", nouns) == ()
    assert synonyms_of("seal", "animals-nature", nouns) == ()
    assert synonyms_of("fox", None, nouns) == ()


def test_common_words_are_those_of_tagged_texts_and_of_things_that_can_be_seen(tmp_path: Path) -> None:
    archive = tmp_path / "wordnet.deb"
    archive.write_bytes(deb_of(WORDNET))
    assert common_words(archive) == ("fox", "jump", "red hot", "reynard")
    assert common_words(archive, longest=4) == ("fox", "jump")
