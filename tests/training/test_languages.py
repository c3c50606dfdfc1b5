"""Other languages and probes, measured on data sets of a few lines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.training.conftest import record

from impasto.core import Invalid
from impasto.data.dataset import Dataset
from impasto.data.records import Concept, Name
from impasto.data.split import HELD_OUT_NAMES, held_out_name
from impasto.training import probes
from impasto.training.captions import Captions
from impasto.training.languages import LANGUAGES, Item, in_languages, items_of, table
from impasto.training.words import gather

STYLES = ("flat", "soft", "line", "clay")


def dataset(concepts: dict[str, tuple[str, ...]], *, emoji: str | None = "x", held: tuple[str, str] | None = None):
    """`concepts`: name -> the languages it has a name in; all drawn in the four styles."""
    records = [
        record(concept, style, "held_out" if (concept, style) == held else "train")
        for concept in concepts
        for style in STYLES
    ]
    made = Dataset(Path("nowhere"), records)
    made.__dict__["concepts"] = {
        concept: Concept(
            concept=concept,
            emoji=emoji,
            name=concept,
            names=tuple(
                Name(lang=lang, name=concept if lang == "en" else f"{concept}-{lang}", keywords=()) for lang in langs
            ),
        )
        for concept, langs in concepts.items()
    }
    return made


def test_thirty_languages_and_those_that_were_asked_for():
    assert len(LANGUAGES) >= 30
    assert next(iter(LANGUAGES)) == "en"
    assert {"Chinese", "Hindi", "Arabic", "Spanish", "Swahili", "Russian", "Japanese"} <= set(LANGUAGES.values())


def test_a_concept_needs_a_name_in_every_language_four_styles_and_an_emoji():
    some = {"cat": ("en", "xx", "yy"), "dog": ("en", "xx")}
    assert [item.concept for item in items_of(dataset(some), STYLES, ("en", "xx", "yy"))] == ["cat"]
    assert {item.concept for item in items_of(dataset(some), STYLES, ("en", "xx"))} == {"cat", "dog"}
    assert items_of(dataset(some), STYLES[:3], ("en", "xx")) == []
    assert items_of(dataset(some, emoji=None), STYLES, ("en", "xx")) == []
    with pytest.raises(Invalid, match="languages"):
        in_languages(FakeArtist(), FakeJudge({}), dataset(some, emoji=None), languages=("en",), say=print)


def test_held_out_pictures_come_first_and_the_list_is_always_the_same():
    names = {f"thing {i}": ("en", "xx") for i in range(20)}
    found = items_of(dataset(names, held=("thing 7", "line")), STYLES, ("en", "xx"))
    first = found[0]
    assert (first.concept, first.held_out) == ("thing 7", True)
    other = dataset(dict(reversed(names.items())), held=("thing 7", "line"))
    again = items_of(other, STYLES, ("en", "xx"))
    assert [item.concept for item in again] == [item.concept for item in found]
    assert other.records[again[0].place].style == "line"
    assert [item.concept for item in items_of(other, STYLES, ("en", "xx"), 3)] == [item.concept for item in found[:3]]


def test_names_are_held_out_by_spelling():
    names = [f"name {i}" for i in range(4000)]
    share = np.mean([held_out_name("cat", name) for name in names])
    assert share == pytest.approx(HELD_OUT_NAMES, abs=0.015)
    out = next(name for name in names if held_out_name("cat", name))
    assert held_out_name("cat", f" {out.upper()} ")
    assert not all(held_out_name(f"concept {i}", out) for i in range(20)), "of one concept, not as a word"


def test_no_training_text_tells_a_name_that_is_held_out(tmp_path: Path):
    out = next(f"kaz {i}" for i in range(1000) if held_out_name("cat", f"kaz {i}"))
    kept = next(f"kaz {i}" for i in range(1000) if not held_out_name("cat", f"kaz {i}"))
    made = dataset({"cat": ("en",)})
    names = (Name(lang="xx", name=out, keywords=(kept,)), Name(lang="yy", name=kept, keywords=(out,)))
    made.__dict__["concepts"] = {"cat": Concept(concept="cat", emoji="x", name="cat", names=names)}
    assert Captions(made, name=0, foreign=1, dropped=0).names(made.records[0]) == [kept]
    from tests.data.conftest import WORDNET, deb_of

    archive = tmp_path / "wordnet.deb"
    archive.write_bytes(deb_of(WORDNET))
    told = {text for pairs in gather(made, archive, 0).values() for text, _ in pairs}
    assert kept in told
    assert out not in told


class FakeArtist:
    """Says the words themselves instead of drawing them."""

    def __init__(self) -> None:
        self.card = SimpleNamespace(styles=dict.fromkeys(STYLES), defaults=SimpleNamespace(style="flat"))
        self.asked: list = []

    def seen_by(self, judge, asked, told=None):
        self.asked.append(asked)
        if told:
            told(len(asked), len(asked))
        return [each.words for each in asked]


class FakeJudge:
    def __init__(self, ranks: dict[str, int]) -> None:
        self.ranks = ranks

    def rank(self, words: str, place: int) -> int:
        return self.ranks.get(words, 1)


def test_languages_are_drawn_by_name_and_held_against_english():
    artist, lines, done = FakeArtist(), [], []
    judge = FakeJudge({"cat-xx": 9, "dog-xx": 2, "cat-yy": 7, "dog-yy": 8})
    made = dataset({"cat": ("en", "xx", "yy"), "dog": ("en", "xx", "yy")}, held=("cat", "soft"))
    found = in_languages(
        artist, judge, made, languages=("en", "xx", "yy"), say=lines.append, told=lambda *n: done.append(n)
    )
    assert [each.words for each in artist.asked[1]] == ["cat-xx", "dog-xx"]
    assert artist.asked[0][0].style == "soft"
    assert len({tuple(each.seed for each in asked) for asked in artist.asked}) == 1, "the same noise for every language"
    assert found["concepts"] == 2
    assert found["english_top5"] == 1.0
    assert found["each"]["xx"] == {"top1": 0.0, "top5": 0.5, "median_rank": 5.5, "held_out_top5": 0.0}
    assert found["median_share_of_english"] == 0.25
    assert found["held_out_median_share_of_english"] == 0.0
    assert done[-1] == (6, 6)
    assert len(lines) == 1 + 3 + 1


def test_names_that_training_was_told_stand_apart_from_those_it_was_not():
    out = next(f"n{i}" for i in range(1000) if held_out_name("cat", f"n{i}"))
    kept = next(f"n{i}" for i in range(1000) if not held_out_name("cat", f"n{i}"))

    def item(name: str, english: frozenset[str]) -> Item:
        return Item(place=0, concept="cat", held_out=False, names={"en": "cat", "xx": name}, english=english)

    items = [item(out, frozenset()), item(kept, frozenset()), item(out, frozenset({out}))]
    found = table(items, {"en": [1, 1, 1], "xx": [9, 1, 1]})
    assert (found["names_not_told"], found["names_not_told_top5"]) == (1, 0.0)
    assert (found["names_told"], found["names_told_top5"]) == (2, 1.0)
    assert "held_out_median_share_of_english" not in found, "no picture was held out"


def test_probes_that_training_tells_are_counted_apart(monkeypatch):
    monkeypatch.setattr(
        probes, "PROBES", {"synonyms": {"moggy": "cat", "feline": "cat"}, "looks": {"a sad dog": "dog"}}
    )
    made = dataset({"cat": ("en",), "dog": ("en",)})
    spelt = made.records[0]
    made.records[0] = type(spelt)(**{f: getattr(spelt, f) for f in spelt.__slots__} | {"captions": ("cat", "A Feline")})

    class Seer:
        def places(self, features, wanted):
            assert wanted == [["cat"], ["cat"], ["dog"]]
            return [3, 1, 700]

    artist, lines = FakeArtist(), []
    found = probes.probed(artist, Seer(), made, say=lines.append)
    assert found["synonyms"] == {"pairs": 2, "top1": 0.5, "top5": 1.0, "median_rank": 2.0}
    assert found["told"]["pairs"] == 1
    assert found["never_told"] == {"pairs": 2, "top1": 0.0, "top5": 0.5, "median_rank": 351.5}
    assert lines[-1].endswith("a sad dog (700)")


def test_there_are_about_a_hundred_probes_and_forty_common_things():
    assert sum(len(each) for each in probes.PROBES.values()) >= 100
    assert len(probes.COMMON) == 40
    words = [probes.plain(words) for each in probes.PROBES.values() for words in each]
    assert len(set(words)) == len(words)
    assert not set(words) & {probes.plain(words) for words in probes.COMMON}


def test_what_training_says_is_known_with_plurals_and_words_that_stand_alone():
    known = probes.told(dataset({"red fox": ("en",), "cat": ("en",)}), STYLES)
    assert {"red fox", "cat", "cats", "fox", "foxes", "cat: thing"} <= known
    assert "moggy" not in known


def test_the_judge_places_the_best_of_the_concepts_that_are_wanted():
    from impasto.training.judge import Judge

    class Net(torch.nn.Module):
        def scores(self, features):
            return features

    judge = Judge(net=Net(), features=torch.zeros(0), styles=np.array([]), classes={"a": 0, "b": 1, "c": 2})
    scores = torch.tensor([[0.1, 0.9, 0.5]] * 4)
    assert judge.places(scores, [["b"], ["a", "c"], ["a", "nowhere"], ["nowhere"]]) == [1, 2, 3, 3]
