from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from impasto.core import Caller, Clash, Drawing, Invalid, ModelRef, NotFound, Picture
from impasto.storage.blobs import FolderBlobs
from impasto.storage.database import Database, open_database
from impasto.workflows import gallery
from impasto.workflows.gallery import Gallery, Wish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN, BOB = Caller(account="ann", name="ann"), Caller(account="bob", name="bob")
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return AT


class House:
    """A gallery, and a way to hang pictures in it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.blobs = database, FolderBlobs(folder)
        self.gallery = Gallery(database, self.blobs, Clock())
        self.hung = 0

    def hang(self, words: str, account: str = "ann", style: str = "flat", content: bytes | None = None) -> str:
        self.hung += 1
        drawing = Drawing(
            words=words,
            negative="",
            style=style,
            width_px=8,
            height_px=8,
            steps=1,
            guidance=1.0,
            sampler="euler",
            sigmas="flow",
            seed=self.hung,
            background="transparent",
        )
        model = ModelRef(name="mini", version="1", sha256="0")
        pixels = np.zeros((8, 8, 4), np.uint8)
        picture = Picture(pixels=pixels, drawing=drawing, model=model, sigma_values=(1.0, 0.0), took_s=0.0)
        content = content or str(self.hung).encode()
        sha256 = self.blobs.put(content)
        where = {"account": account, "job_id": f"job{self.hung}", "index": 0, "sha256": sha256}
        with self.database.session() as session:
            return gallery.add(session, picture, {}, **where, size_bytes=len(content), at=AT).id

    def words(self, wish: Wish, caller: Caller = ANN) -> list[str]:
        return [kept.words for kept in self.gallery.page(caller, wish).pictures]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    database = open_database("sqlite://")
    yield House(database, tmp_path)
    database.close()


def test_pictures_are_found_by_their_words_in_any_script(house: House) -> None:
    for words in ("a red fox", "a blue fox", "Éclair au café", "рыжая лиса", '"; DROP TABLE pictures; --'):
        house.hang(words)
    assert house.words(Wish(words="fox")) == ["a blue fox", "a red fox"]
    assert house.words(Wish(words="re fo")) == ["a red fox"]
    assert house.words(Wish(words="ECLAIR cafe")) == ["Éclair au café"]
    assert house.words(Wish(words="лис")) == ["рыжая лиса"]
    assert house.words(Wish(words='"; DROP')) == ['"; DROP TABLE pictures; --']
    assert house.words(Wish(words="* OR NEAR(")) == []
    assert len(house.words(Wish())) == 5


def test_filters_and_favourites(house: House) -> None:
    one, _ = house.hang("a fox", style="flat"), house.hang("a cat", style="bold")
    house.gallery.mark(ANN, [one], favourite=True)
    assert house.words(Wish(favourite=True)) == ["a fox"]
    assert house.words(Wish(style="bold")) == ["a cat"]
    assert house.words(Wish(model="other")) == []


def test_pages_follow_each_other_without_gap_or_repeat(house: House) -> None:
    ids = [house.hang(f"picture {number}") for number in range(7)]
    seen, before = [], None
    while True:
        page = house.gallery.page(ANN, Wish(), before=before, limit=3)
        seen += [kept.id for kept in page.pictures]
        if page.next is None:
            break
        before = page.next
    assert seen == ids[::-1]
    with pytest.raises(Invalid, match="limit"):
        house.gallery.page(ANN, Wish(), limit=0)


def test_deleted_is_really_gone_and_what_another_has_stays(house: House) -> None:
    mine, theirs = house.hang("a fox", content=b"same"), house.hang("a fox", account="bob", content=b"same")
    house.gallery.delete(ANN, [mine])
    assert house.words(Wish(words="fox")) == []
    assert len(list(house.blobs.names())) == 1
    assert house.gallery.path(BOB, theirs).read_bytes() == b"same"
    house.gallery.delete(BOB, [theirs])
    assert list(house.blobs.names()) == []


def test_of_several_all_are_deleted_or_none(house: House) -> None:
    mine, theirs = house.hang("a fox"), house.hang("a cat", account="bob")
    with pytest.raises(NotFound):
        house.gallery.delete(ANN, [mine, theirs])
    assert house.words(Wish()) == ["a fox"]


def test_anothers_are_not_there(house: House) -> None:
    theirs = house.hang("a cat", account="bob")
    album = house.gallery.new_album(BOB, "cats")
    for look in (
        lambda: house.gallery.find(ANN, theirs),
        lambda: house.gallery.path(ANN, theirs),
        lambda: house.gallery.mark(ANN, [theirs], favourite=True),
        lambda: house.gallery.export(ANN, [theirs]),
        lambda: house.gallery.page(ANN, Wish(), before=theirs),
        lambda: house.gallery.page(ANN, Wish(album=album.id)),
        lambda: house.gallery.rename_album(ANN, album.id, "mine"),
        lambda: house.gallery.delete_album(ANN, album.id),
    ):
        with pytest.raises(NotFound):
            look()
    assert house.gallery.albums(ANN) == []


def test_albums(house: House) -> None:
    one, two = house.hang("a fox"), house.hang("a cat")
    album = house.gallery.new_album(ANN, "  my   animals ")
    assert album.name == "my animals"
    house.gallery.put_in(ANN, album.id, [one, two])
    house.gallery.put_in(ANN, album.id, [one])
    house.gallery.take_from(ANN, album.id, [two])
    assert house.words(Wish(album=album.id)) == ["a fox"]
    assert house.gallery.albums(ANN)[0].count == 1
    with pytest.raises(Clash, match="name"):
        house.gallery.new_album(ANN, "my animals")
    house.gallery.delete(ANN, [one])
    assert house.gallery.albums(ANN)[0].count == 0
    house.gallery.delete_album(ANN, album.id)
    assert house.words(Wish()) == ["a cat"]


def test_a_job_keeps_each_of_its_pictures_once(house: House) -> None:
    house.hang("a fox")
    house.hung -= 1
    house.hang("a fox")
    assert house.words(Wish()) == ["a fox"]
