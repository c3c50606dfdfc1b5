"""The data recipe: what is fetched, what is left out, how large a picture is. Unknown keys are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from impasto.toml import Strict, parse, read

if TYPE_CHECKING:
    from pathlib import Path

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class Package(Strict):
    """One archive of a package registry, pinned by version and content."""

    registry: Literal["npm", "debian", "pypi"]
    package: str = Field(pattern=r"^(@[A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._+-]*$")
    version: str = Field(pattern=r"^[0-9][A-Za-z0-9:~._+-]*$")
    """exact: what a client may take for a range, a tag or an address is none"""
    sha256: Sha256
    licence: str | None = None
    """SPDX id, where the archive does not say it in a form a machine reads"""
    licence_url: str | None = None
    author: str | None = None
    url: str | None = None


class Source(Package):
    """A package of pictures, all drawn in one style (or in one per name ending)."""

    kind: Literal["iconify", "openclipart"]
    style: Slug
    title: str
    emoji: bool = False
    """names are emoji names: short codes and squashed spellings count as names too"""
    squashed: bool = False
    """names are written without spaces ("brokenheart")"""
    number_variants: bool = False
    """a trailing number only tells drawings of one thing apart ("bird-2" is a bird)"""
    drop_categories: tuple[str, ...] = ()
    endings: dict[str, Slug | Literal[""]] = Field(default_factory=dict)
    """name ending -> style of the pictures whose name ends so ("" drops them)"""
    aliases: dict[str, str] = Field(default_factory=dict)
    """icon name -> the name to understand it by, where its own would mislead"""
    limit: int | None = Field(default=None, ge=1)
    """take so many pictures only, the first by name; None: all"""


class Lexicon(Strict):
    """Where names come from."""

    cldr: Package
    cldr_derived: Package
    emojibase: Package
    wordnet: Package


class Filters(Strict):
    """What the chain leaves out."""

    licences: tuple[str, ...]
    brands: tuple[str, ...] = ()
    """words and names; or ids, where a brand has the name of a thing ("duotone/apple")"""
    skin_tones: bool = False
    hair: bool = False
    families: bool = False
    flags: bool = False
    hidden: bool = False
    opted_out: str | None = None
    """a file of ids, one a line, beside the recipe"""
    max_svg_bytes: int = Field(default=600_000, ge=1)
    min_cover: float = Field(default=0.004, ge=0, lt=1)
    """the least mean alpha of a picture that is not empty"""


class Recipe(Strict):
    """A whole data set."""

    name: Slug
    version: str
    """of the data set: to be raised whenever other pictures come of it"""
    size_px: int = Field(default=256, ge=16, le=1024)
    held_out_share: float = Field(default=0.02, ge=0, lt=1)
    """of the pairs of concept and style that may be held out (data.split)"""
    shard_pictures: int = Field(default=2000, ge=1)
    render_timeout_s: float = Field(default=20.0, gt=0)
    dark: str = Field(default="#37474f", pattern=r"^#[0-9a-f]{6}$")
    """the colour given to shapes that ask for the colour of the text around them"""
    filters: Filters
    lexicon: Lexicon
    sources: tuple[Source, ...] = Field(min_length=1)


def load_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises `Invalid` naming the field and the rule it breaks."""
    return parse(Recipe, read(path, "recipe"), where=str(path))
