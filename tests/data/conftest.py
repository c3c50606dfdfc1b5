"""Tiny packages made on the spot: three picture sets, one folder of clip art, and a small lexicon."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from impasto.data.build import BuildReport

SHAPES = {
    "circle": '<circle cx="8" cy="8" r="6" fill="{}"/>',
    "square": '<path d="M2 2h12v12H2z" fill="{}"/>',
    "drop": '<path d="M8 1l5 9a5 5 0 1 1-10 0z" fill="{}"/>',
    "bar": '<path d="M1 6h14v3H1z" fill="{}"/>',
}
EMOJI = {
    "1F34E": ("red apple", "food-drink", ["fruit", "red"]),
    "1F98A": ("fox", "animals-nature", ["animal", "face"]),
    "1F413": ("rooster", "animals-nature", ["bird", "rooster"]),
    "1F494": ("broken heart", "smileys-emotion", ["break", "heart"]),
    "1F44B": ("waving hand", "people-body", ["hand", "wave"]),
    "1F3C1": ("chequered flag", "flags", ["race"]),
    "1F1EB-1F1F7": ("flag: France", "flags", ["FR"]),
    "1F468-200D-1F9B0": ("man: red hair", "people-body", ["adult"]),
    "1F468-200D-1F467": ("family: man, girl", "people-body", ["child"]),
}
GROUPS = ["smileys-emotion", "people-body", "animals-nature", "food-drink", "flags"]
SUBGROUPS = ["other", "flag", "country-flag", "family"]


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(out.getvalue(), mtime=0)


def icons_package(icons: dict[str, str], *, chars=None, spdx="MIT", aliases=None, hidden=(), categories=None) -> bytes:
    """An iconify package of `icons`: name -> body."""
    table = {name: {"body": body, **({"hidden": True} if name in hidden else {})} for name, body in icons.items()}
    files = {
        "icons.json": {"prefix": "x", "icons": table, "aliases": aliases or {}, "width": 16, "height": 16},
        "info.json": {"author": {"name": "A. Maker"}, "license": {"spdx": spdx, "url": "https://example.org/l"}},
        "chars.json": chars or {},
        "metadata.json": {"categories": categories or {}},
    }
    return tar_of({f"package/{name}": json.dumps(content).encode() for name, content in files.items()})


def emojibase_package() -> bytes:
    subgroup = {"1F3C1": 1, "1F1EB-1F1F7": 2, "1F468-200D-1F467": 3}
    data = [
        {"hexcode": key, "label": name, "group": GROUPS.index(group), "subgroup": subgroup.get(key, 0), "tags": tags}
        for key, (name, group, tags) in EMOJI.items()
    ]
    skins = [{"hexcode": "1F44B-1F3FB", "label": "waving hand: light skin tone", "group": 1, "subgroup": 0}]
    data = [{**entry, **({"skins": skins} if entry["hexcode"] == "1F44B" else {})} for entry in data]
    messages = {
        "groups": [{"key": key, "order": i} for i, key in enumerate(GROUPS)],
        "subgroups": [{"key": key, "order": i} for i, key in enumerate(SUBGROUPS)],
    }
    files = {"package/en/data.json": data, "package/en/messages.json": messages}
    for name in ("cldr", "emojibase", "github", "iamcal", "joypixels"):
        files[f"package/en/shortcodes/{name}.json"] = {"1F98A": "fox_face"} if name == "github" else {}
    return tar_of({name: json.dumps(content).encode() for name, content in files.items()})


def cldr_package(kind: str, langs: dict[str, dict[str, tuple[str, list[str]]]]) -> bytes:
    files = {}
    for lang, names in langs.items():
        entries = {emoji: {"tts": [name], "default": keywords} for emoji, (name, keywords) in names.items()}
        table = {kind: {"identity": {}, "annotations": entries}}
        files[f"package/{kind}/{lang}/annotations.json"] = json.dumps(table).encode()
    return tar_of(files)


def deb_of(files: dict[str, bytes]) -> bytes:
    """A Debian package: an `ar` archive whose data.tar.gz holds the files."""
    parts = {"debian-binary": b"2.0\n", "control.tar.gz": tar_of({}), "data.tar.gz": tar_of(files)}
    out = b"!<arch>\n"
    for name, content in parts.items():
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        out += head.encode() + content + b"\n" * (len(content) % 2)
    return out


WORDNET = {
    "usr/share/wordnet/index.noun": b"  1 licence\nfox n 1 1 @ 1 1 00000010\nreynard n 1 1 @ 1 1 00000010\n",
    "usr/share/wordnet/data.noun": b"  1 licence\n00000010 05 n 03 fox 0 reynard 0 Vulpes 0 000 | a fox\n",
    "usr/share/wordnet/cntlist.rev": b"jump%2:38:00:: 1 9\nred_hot%3:00:00:: 1 2\n42%1:23:00:: 1 1\n",
}
CLIP = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="200pt"><metadata>
<rdf:RDF xmlns:cc="http://web.resource.org/cc/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><cc:Work><dc:title>{title}</dc:title>
<dc:subject><rdf:Bag><rdf:li>orchard</rdf:li></rdf:Bag></dc:subject>
<dc:creator><cc:Agent><dc:title>Ann Drawer</dc:title></cc:Agent></dc:creator>
<cc:license rdf:resource="{licence}"/></cc:Work></rdf:RDF></metadata>
<rect x="20" y="20" width="60" height="30" fill="#a03020"/>{more}</svg>"""
PUBLIC = "http://web.resource.org/cc/PublicDomain"


def clip(title: str, licence: str = PUBLIC, more: str = "") -> bytes:
    return CLIP.format(title=title, licence=licence, more=more).encode()


class Workshop:
    """A cache of tiny packages and a recipe over them, to be changed before it is built."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"
        self.cache.mkdir()
        self.sources: list[str] = []
        self.report: BuildReport | None = None
        uni = {"licence": "Unicode-3.0", "licence_url": "https://example.org/u", "author": "U"}
        en = {"🍎": ("red apple", ["apple", "fruit"]), "🦊": ("fox", ["animal"]), "🐓": ("rooster", ["bird"])}
        de = {"🍎": ("roter Apfel", ["Obst"]), "🦊": ("Fuchs", ["Tier"])}
        self.lexicon = [
            self.npm("lexicon.cldr", "cldr", cldr_package("annotations", {"en": en, "de": de}), **uni),
            self.npm("lexicon.cldr_derived", "cldr-derived", cldr_package("annotationsDerived", {"en": {}}), **uni),
            self.npm("lexicon.emojibase", "emojibase", emojibase_package(), **uni),
            self.deb("lexicon.wordnet", "wordnet-base", WORDNET, **uni),
        ]

    def npm(self, head: str, name: str, content: bytes, **fields: object) -> str:
        (self.cache / f"{name}-1.0.0.tgz").write_bytes(content)
        return self._table(head, "npm", name, content, fields)

    def deb(self, head: str, name: str, files: dict[str, bytes], **fields: object) -> str:
        content = deb_of({f"./{path}": content for path, content in files.items()})
        (self.cache / f"{name}_1.0.0_all.deb").write_bytes(content)
        return self._table(head, "debian", name, content, fields)

    def _table(self, head: str, registry: str, name: str, content: bytes, fields: dict[str, object]) -> str:
        pinned = {"registry": registry, "package": name, "version": "1.0.0"}
        pinned["sha256"] = hashlib.sha256(content).hexdigest()
        lines = [f"{key} = {json.dumps(value)}" for key, value in {**pinned, **fields}.items()]
        return "\n".join([f"[{head}]", *lines])

    def icons(
        self, name: str, style: str, icons: dict[str, str], fields: dict | None = None, **package: object
    ) -> None:
        about = {"kind": "iconify", "style": style, "title": name.title(), **(fields or {})}
        self.sources.append(self.npm("[sources]", name, icons_package(icons, **package), **about))

    def clips(self, files: dict[str, bytes], **fields: object) -> None:
        root = {f"usr/share/openclipart/svg/{path}": content for path, content in files.items()}
        about = {"kind": "openclipart", "style": "clipart", "title": "Clips", "licence_url": "https://example.org/p"}
        self.sources.append(self.deb("[sources]", "openclipart-svg", root, **about, **fields))

    def recipe(self, *, filters: str = "", top: str = "") -> Path:
        path = self.folder / "tiny.toml"
        head = f'name = "tiny"\nversion = "1"\nsize_px = 32\nshard_pictures = 5\n{top}\n'
        body = f'[filters]\nlicences = ["MIT", "Apache-2.0", "CC0-1.0"]\n{filters}\n'
        path.write_text("\n\n".join([head + body, *self.lexicon, *self.sources]) + "\n")
        return path

    def build(self, out: str = "out", **recipe: str) -> BuildReport:
        from impasto.data.build import build

        return build(self.recipe(**recipe), self.folder / out, cache=self.cache, workers=1)

    def rows(self, table: str, out: str = "out") -> list[dict]:
        from impasto.data.records import read_rows

        return read_rows(self.folder / out / f"{table}.parquet")


def stocked(folder: Path) -> Workshop:
    """Three styles that share concepts under different names, one of a licence that is not allowed, and clip art."""
    workshop = Workshop(folder)
    soft = {"red-apple": body("circle", "#d22"), "fox-face": body("drop", "#e82"), "cart-16": body("bar", "#222")}
    soft |= {"cart-20": body("bar", "#333"), "paypal": body("square", "#00f")}
    soft |= {"waving-hand": body("square", "#fc3"), "waving-hand-light": body("square", "#fed")}
    workshop.icons("soft-set", "soft", soft, {"emoji": True}, chars={"1f34e": "red-apple", "1f98a": "fox-face"})
    flat = {"redapple": body("circle", "#c11"), "fox": body("drop", "#d71"), "brokenheart": body("square", "#a0a")}
    workshop.icons("flat-set", "flat", flat, {"emoji": True, "squashed": True}, spdx="Apache-2.0")
    bold = {"apple-of-red": body("circle", "#b00"), "rooster": body("bar", "#941"), "fox-1": body("drop", "#c60")}
    aliases = {"red-apple": {"parent": "apple-of-red"}, "upside-down-rooster": {"parent": "rooster", "vFlip": True}}
    workshop.icons("bold-set", "bold", bold, {"emoji": True, "number_variants": True}, aliases=aliases)
    workshop.icons("shared-alike", "sa", {"fox": body("drop", "#fff")}, spdx="CC-BY-SA-4.0")
    clips = {"food/apple_ann_01.svg": clip("Red Apple 01"), "food/b.svg": clip("x", licence="http://gpl.example")}
    clips |= {"food/c.svg": clip(""), "food/d.svg": clip("Sign", more="<text>hi</text>"), "food/e.svg": b"<svg"}
    workshop.clips({**clips, "flags/f.svg": clip("Banner")}, drop_categories=["flags"])
    return workshop


def body(shape: str, colour: str) -> str:
    return SHAPES[shape].format(colour)


BRANDS = 'brands = ["paypal"]'


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return stocked(tmp_path)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Built once; tests that use it only read."""
    made = stocked(tmp_path_factory.mktemp("built"))
    made.report = made.build(filters=BRANDS)
    return made
