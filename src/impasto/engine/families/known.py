"""Which code runs which family: adding one is its file and its line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.core import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from impasto.engine.decider import Limits
    from impasto.engine.runner import Family
    from impasto.models.registry import InstalledModel

    Opener = Callable[[InstalledModel, int], tuple[Family, Limits]]

FAMILIES = {
    "mini": "open_mini",
    "sd": "open_sd",
    "sdxl": "open_sdxl",
    "sd3": "open_sd3",
    "flux": "open_flux",
    "pixart": "open_pixart",
}
"""the family's file in this folder, and the function in it that opens a model on so many threads"""


def opener(family: str) -> Opener:
    """Raises Unknown. Only the file of the family asked for is imported: the others may need what is not installed."""
    from importlib import import_module

    if family not in FAMILIES:
        raise Unknown("family", family, FAMILIES)
    found: Opener = getattr(import_module(f"impasto.engine.families.{family}"), FAMILIES[family])
    return found
