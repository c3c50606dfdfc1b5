"""The whole build on tiny packages: same inputs, same bytes; every promise of the recipe."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tarfile
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.data.conftest import tar_of

from impasto.core import Damaged, Invalid, Unknown
from impasto.data.card import attribution
from impasto.data.dataset import by_id, open_dataset, search
from impasto.data.recipe import load_recipe
from impasto.data.shards import read_shard, write_shard
from impasto.data.split import held_out_pairs

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workshop


def digests(folder: Path) -> dict[str, str]:
    files = [p for p in folder.rglob("*") if p.is_file() and "cache" not in p.parts]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_inputs_same_bytes(built: Workshop, workshop: Workshop) -> None:
    workshop.build(filters='brands = ["paypal"]')
    found = digests(built.folder / "out")
    assert digests(workshop.folder / "out") == found
    manifest = json.loads((built.folder / "out/manifest.json").read_text())
    found.pop("manifest.json")
    assert manifest["files"] == found


def test_counts_add_up_and_every_picture_is_accounted_for(built: Workshop) -> None:
    report = built.report
    records, dropped = built.rows("records"), built.rows("dropped")
    assert report.pictures == len(records) == sum(report.by_style.values())
    assert Counter(row["reason"] for row in dropped) == report.dropped
    assert len(records) + len(dropped) == 7 + 3 + 4 + 1 + 6
    card = (built.folder / "out/CARD.md").read_text()
    for title, total in (("Source", records), ("Style", records), ("Licence", records), ("Split", records),
                         ("Left out because of", dropped)):  # fmt: skip
        table = re.search(rf"\| {title} \|.*?\n\|---\|---:\|\n((?:\|.*\n)+)", card)
        assert table is not None
        assert sum(int(line.split("|")[2]) for line in table[1].splitlines()) == len(total)


def test_each_drop_has_its_reason(built: Workshop) -> None:
    reasons = {row["id"]: row["reason"] for row in built.rows("dropped")}
    assert reasons == {
        "soft/cart-16": "smaller size",
        "soft/paypal": "brand",
        "soft/waving-hand-light": "skin tone",
        "sa/fox": "licence",
        "clipart/food-b": "licence",
        "clipart/food-c": "untitled",
        "clipart/food-d": "needs fonts",
        "clipart/food-e": "licence",
        "clipart/flags-f": "category",
    }


def test_concepts_are_shared_across_spellings_and_aliases(built: Workshop) -> None:
    concept = {row["id"]: row["concept"] for row in built.rows("records")}
    apples = {"soft/red-apple", "flat/redapple", "bold/apple-of-red", "clipart/food-apple-ann-01"}
    assert {identifier for identifier, name in concept.items() if name == "red-apple"} == apples
    assert concept["soft/fox-face"] == concept["flat/fox"] == concept["bold/fox-1"] == "fox"
    assert concept["flat/brokenheart"] == "broken-heart"
    assert concept["bold/upside-down-rooster"] == "upside-down-rooster"


def test_names_in_languages_captions_and_credit(built: Workshop) -> None:
    dataset = open_dataset(built.folder / "out")
    fox = by_id(dataset, "soft/fox-face")
    assert fox.captions[0] == "fox"
    assert "reynard" in fox.captions
    assert "fox: animal" in fox.captions
    assert (fox.emoji, fox.group, fox.author, fox.licence) == ("🦊", "animals-nature", "A. Maker", "MIT")
    names = {name.lang: name for name in dataset.concepts["fox"].names}
    assert names["de"].name == "Fuchs"
    assert names["de"].keywords == ("Tier",)
    clipart = by_id(dataset, "clipart/food-apple-ann-01")
    assert (clipart.author, clipart.licence) == ("Ann Drawer", "CC0-1.0")
    attribution = (built.folder / "out/ATTRIBUTION.md").read_text()
    for credit in ("Soft-Set", "A. Maker", "Ann Drawer", "Apache-2.0", "1.0.0", "https://example.org/l"):
        assert credit in attribution
    assert "Shared-Alike" not in attribution


def test_authors_stand_in_one_order_whatever_the_case_of_their_names(workshop: Workshop, built: Workshop) -> None:
    record = by_id(open_dataset(built.folder / "out"), "clipart/food-apple-ann-01")
    records = [replace(record, author=author) for author in ("bo", "ann", "ANN", "Ann")]
    assert "ANN; Ann; ann; bo." in attribution(load_recipe(workshop.recipe()), records)


def test_shards_hold_the_pictures_that_records_name(built: Workshop) -> None:
    records = built.rows("records")
    assert [row["id"] for row in records] == sorted(row["id"] for row in records)
    assert {row["shard"] for row in records} == set(range(-(-len(records) // 5)))
    for row in records:
        with tarfile.open(built.folder / f"out/shards/{row['shard']:05d}.tar") as tar:
            png = tar.extractfile(f"{row['id'].replace('/', '__')}.png").read()
        assert hashlib.sha256(png).hexdigest() == row["sha256"]


def test_opted_out_ids_are_left_out(workshop: Workshop) -> None:
    (workshop.folder / "out.txt").write_text("# taken out\nflat/fox\n")
    workshop.build(filters='opted_out = "out.txt"')
    assert "flat/fox" not in {row["id"] for row in workshop.rows("records")}
    assert {row["id"]: row["reason"] for row in workshop.rows("dropped")}["flat/fox"] == "opted out"


def test_a_recipe_whose_opt_out_list_is_missing_is_refused(workshop: Workshop) -> None:
    with pytest.raises(Invalid, match=r"filters\.opted_out"):
        workshop.build(filters='opted_out = "gone.txt"')


def test_a_changed_archive_is_named(workshop: Workshop) -> None:
    archive = workshop.cache / "flat-set-1.0.0.tgz"
    archive.write_bytes(archive.read_bytes() + b"!")
    with pytest.raises(Damaged, match=r"flat-set-1\.0\.0\.tgz has sha256"):
        workshop.build()
    assert not (workshop.folder / "out").exists()


def test_an_archive_that_is_no_archive_is_named(workshop: Workshop) -> None:
    content = b"not an archive"
    workshop.sources.append(workshop.npm("[sources]", "broken", content, kind="iconify", style="soft", title="B"))
    with pytest.raises(Damaged, match=r"broken-1\.0\.0\.tgz cannot be unpacked"):
        workshop.build()


@pytest.mark.parametrize("file", ["icons.json", "info.json"])
def test_an_archive_that_is_no_iconify_package_is_named(workshop: Workshop, file: str) -> None:
    whole = {"icons.json": b'{"icons": {}}', "info.json": b'{"license": {"spdx": "MIT"}}'}
    for content in (b"{", b"[]", b'{"license": 3, "icons": 3}', None):
        files = {name: content if name == file else kept for name, kept in whole.items()}
        package = tar_of({f"package/{name}": content for name, content in files.items() if content is not None})
        kept = list(workshop.sources)
        workshop.sources.append(workshop.npm("[sources]", "bad", package, kind="iconify", style="soft", title="B"))
        with pytest.raises(Damaged, match=r"bad-1\.0\.0\.tgz is not an iconify package"):
            workshop.build()
        workshop.sources[:] = kept


@pytest.mark.parametrize(
    ("top", "field"),
    [
        ("colour = 3", "colour"),
        ("held_out_share = 1.5", "held_out_share"),
        ("render_timeout_s = 0", "render_timeout_s"),
    ],
)
def test_a_bad_recipe_is_refused_by_field(workshop: Workshop, top: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        workshop.build(top=top)
    assert caught.value.field == field


def test_what_reaches_a_client_is_a_name_and_never_an_option(workshop: Workshop) -> None:
    path = workshop.recipe()
    path.write_text(path.read_text().replace('package = "flat-set"', 'package = "--flat-set"'))
    with pytest.raises(Invalid) as caught:
        load_recipe(path)
    assert caught.value.field == "sources.1.package"


def test_held_out_only_where_two_other_styles_show_the_concept() -> None:
    pairs = [("fox", s) for s in ("soft", "flat", "bold")] + [("cart", s) for s in ("soft", "flat")]
    assert held_out_pairs(pairs, share=1.0) == {("fox", s) for s in ("soft", "flat", "bold")}
    many = [(f"c{i}", s) for i in range(2000) for s in ("soft", "flat", "bold", "soft")]
    held = held_out_pairs(many, share=0.02)
    assert 80 <= len(held) <= 160
    assert held_out_pairs(list(reversed(many)), share=0.02) == held
    assert held <= held_out_pairs([*many, *((c, "line") for c, _ in many)], share=0.02)


def test_the_split_reaches_the_records(workshop: Workshop) -> None:
    workshop.build(top="held_out_share = 0.999999")
    split = {row["id"]: row["split"] for row in workshop.rows("records")}
    held = {identifier for identifier, name in split.items() if name == "held_out"}
    assert {"soft/fox-face", "flat/fox", "bold/fox-1", "soft/red-apple"} <= held
    assert split["bold/rooster"] == split["soft/cart-20"] == "train"


def test_pictures_are_one_array_in_record_order(built: Workshop) -> None:
    dataset = open_dataset(built.folder / "out")
    pictures, small = dataset.pictures(32), dataset.pictures(8)
    assert pictures.shape == (len(dataset.records), 32, 32, 4)
    apple = pictures[dataset.index["soft/red-apple"]]
    assert tuple(apple[16, 16]) == (0xDD, 0x22, 0x22, 255)
    assert apple[0, 0, 3] == 0
    alpha = pictures.astype(np.float64)[..., 3].reshape(-1, 8, 4, 8, 4).mean((2, 4))
    assert np.abs(small[..., 3] - alpha).max() <= 1  # two passes, each rounded
    edge = small[dataset.index["soft/red-apple"], 1, 4][:3].astype(int)  # half empty: averaged premultiplied, still red
    assert np.abs(edge - (0xDD, 0x22, 0x22)).max() <= 1
    assert {p.name for p in (built.folder / "out/cache").iterdir()} == {"pictures-32.npy", "pictures-8.npy"}


def test_a_larger_size_than_was_rendered_is_refused(built: Workshop) -> None:
    with pytest.raises(Invalid, match="size_px"):
        open_dataset(built.folder / "out").pictures(64)
    assert not list((built.folder / "out/cache").glob("*64*"))


def test_a_shard_that_lacks_a_picture_is_named(built: Workshop, tmp_path: Path) -> None:
    shutil.copytree(built.folder / "out", tmp_path / "out", ignore=shutil.ignore_patterns("cache"))
    with tarfile.open(tmp_path / "out/shards/00000.tar", "w"):
        pass
    with pytest.raises(Damaged, match="lacks the picture"):
        open_dataset(tmp_path / "out").pictures(32)
    assert list((tmp_path / "out/cache").iterdir()) == []


def changed(built: Workshop, tmp_path: Path) -> Path:
    """A copy of the built folder, to be spoiled."""
    return shutil.copytree(built.folder / "out", tmp_path / "out", ignore=shutil.ignore_patterns("cache"))


def test_a_picture_that_is_not_what_a_record_says_is_named(built: Workshop, tmp_path: Path) -> None:
    shard = changed(built, tmp_path) / "shards/00000.tar"
    pictures = [(name.removesuffix(".png").replace("__", "/"), png) for name, png in read_shard(shard)]
    write_shard(shard, [*pictures, ("flat/nobody", pictures[0][1])])
    with pytest.raises(Damaged, match=r"a picture that no record names: flat__nobody\.png"):
        open_dataset(tmp_path / "out").pictures(32)
    write_shard(shard, [(pictures[0][0], pictures[1][1]), *pictures[1:]])
    with pytest.raises(Damaged, match="another picture under the name"):
        open_dataset(tmp_path / "out").pictures(32)


@pytest.mark.parametrize(("file", "content"), [("records.parquet", b"no table"), ("shards/00000.tar", b"no shard")])
def test_a_file_of_a_data_set_that_cannot_be_read_is_named(
    built: Workshop, tmp_path: Path, file: str, content: bytes
) -> None:
    folder = changed(built, tmp_path)
    (folder / file).write_bytes(content)
    with pytest.raises(Damaged, match=rf"{file} cannot be read"):
        open_dataset(folder).pictures(32)
    (folder / file).unlink()
    with pytest.raises((Damaged, Invalid), match=file):
        open_dataset(folder).pictures(32)


def test_a_table_of_other_columns_is_refused(built: Workshop, tmp_path: Path) -> None:
    folder = changed(built, tmp_path)
    table = pq.read_table(folder / "records.parquet")
    pq.write_table(table.drop_columns(["shard"]), folder / "records.parquet")
    with pytest.raises(Damaged, match="build the data set again"):
        open_dataset(folder)


def test_what_was_made_of_a_build_is_made_again_for_the_next(built: Workshop, tmp_path: Path) -> None:
    folder = changed(built, tmp_path)
    dataset = open_dataset(folder)
    made = folder / "cache" / "pictures-8.npy"
    dataset.pictures(8)
    assert dataset.is_older_than(made)
    before = made.stat().st_mtime_ns
    os.utime(folder / "records.parquet", ns=(before + 1, before + 1))
    assert not dataset.is_older_than(made)
    dataset.pictures(8)
    assert made.stat().st_mtime_ns > before


def test_search_and_by_id(built: Workshop) -> None:
    dataset = open_dataset(built.folder / "out")
    assert {r.id for r in search(dataset, "Fox")} == {"soft/fox-face", "flat/fox", "bold/fox-1"}
    assert [r.id for r in search(dataset, "flat fox")] == ["flat/fox"]
    assert search(dataset, "nothing like it") == search(dataset, "") == []
    with pytest.raises(Unknown, match="flat/fox"):
        by_id(dataset, "flat/foxx")


def test_an_empty_folder_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="impasto data build"):
        open_dataset(tmp_path)
