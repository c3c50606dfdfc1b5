"""Impasto turns words into pictures on any computer.

    import impasto
    impasto.draw("a red fox", seed=7)[0].save("fox.png")

`draw` is looked up when it is first used, so that importing a part of Impasto never loads the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto.version import __version__

if TYPE_CHECKING:
    from impasto.local import draw

__all__ = ["__version__", "draw"]


def __getattr__(name: str) -> Any:
    if name == "draw":
        from impasto.local import draw

        return draw
    raise AttributeError(f"module 'impasto' has no attribute {name!r}")
