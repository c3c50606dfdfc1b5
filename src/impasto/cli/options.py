"""The options that drawing commands share, written once, and what a shell may complete in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from impasto.core import ImpastoError, Invalid

DRAWING, FILES = "What is drawn", "Where it goes"


def complete_models() -> list[str]:
    from impasto.local import registry

    return registry().names()


def complete_styles() -> list[str]:
    """Those of the default model."""
    from impasto.local import registry
    from impasto.settings import settings

    try:
        return list(registry().find(settings().model).card.styles)
    except ImpastoError:
        return []


def complete_samplers() -> list[str]:
    from impasto.engine.samplers import NAMES

    return list(NAMES)


def complete_sigmas() -> list[str]:
    from impasto.engine.sigmas import CURVES

    return list(CURVES)


def size_of(text: str | None) -> tuple[int, int] | None:
    """`256x256`, or `256` for a square, as (width, height). Raises Invalid."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})(?:[xX](\d{1,5}))?", text.strip())
    if not found:
        raise Invalid("size", f"must look like 256x256, not {text!r}")
    return int(found[1]), int(found[2] or found[1])


Words = Annotated[
    list[str] | None,
    Argument(metavar="WORDS", help="What to draw. - reads it from standard input.", show_default=False),
]
Output = Annotated[
    str | None,
    Option(
        "-o",
        "--output",
        help="A file whose ending decides the format (.png, .webp, .jpg, .svg), or a folder.",
        rich_help_panel=FILES,
    ),
]
Count = Annotated[int, Option("-n", "--count", help="How many pictures, 1 to 1000.", rich_help_panel=DRAWING)]
Seed = Annotated[
    int | None,
    Option("--seed", help="The first picture's seed; the next has one more. Random if left out.",
           rich_help_panel=DRAWING),
]  # fmt: skip
Style = Annotated[
    str | None,
    Option("--style", help="One of `impasto styles`.", autocompletion=complete_styles, rich_help_panel=DRAWING),
]
Size = Annotated[
    str | None, Option("--size", metavar="WxH", help="In pixels, such as 256x256.", rich_help_panel=DRAWING)
]
Steps = Annotated[
    int | None, Option("--steps", help="1 to 150; more take longer and are often cleaner.", rich_help_panel=DRAWING)
]
Guidance = Annotated[
    float | None, Option("--guidance", help="0 to 30; how closely the words are followed.", rich_help_panel=DRAWING)
]
Negative = Annotated[str, Option("--negative", help="Words for what to keep out.", rich_help_panel=DRAWING)]
Sampler = Annotated[
    str | None,
    Option("--sampler", help="Such as euler, heun, dpmpp_2m.", autocompletion=complete_samplers,
           rich_help_panel=DRAWING),
]  # fmt: skip
Sigmas = Annotated[
    str | None,
    Option("--sigmas", help="The curve of noise levels, such as karras.", autocompletion=complete_sigmas,
           rich_help_panel=DRAWING),
]  # fmt: skip
Background = Annotated[
    str, Option("--background", help="transparent, or a colour as #rrggbb.", rich_help_panel=DRAWING)
]
Init = Annotated[
    Path | None,
    Option("--init", help="A picture to start from: PNG, WebP or JPEG of any size.", rich_help_panel=DRAWING),
]
Mask = Annotated[
    Path | None,
    Option("--mask", help="What of it may change: white, or transparent if it has transparency.",
           rich_help_panel=DRAWING),
]  # fmt: skip
Strength = Annotated[
    float | None,
    Option("--strength", help="Above 0 to 1: how far from the init. 0.75 if left out, with a mask 1.",
           rich_help_panel=DRAWING),
]  # fmt: skip
Model = Annotated[
    str | None,
    Option("--model", help="One of `impasto models`.", autocompletion=complete_models, rich_help_panel=DRAWING),
]
Json = Annotated[
    bool, Option("--json", help="Print one line of JSON a picture.", show_default=False, rich_help_panel=FILES)
]
Quiet = Annotated[
    bool, Option("-q", "--quiet", help="Print nothing but the paths.", show_default=False, rich_help_panel=FILES)
]
