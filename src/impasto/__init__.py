"""Impasto turns words into pictures on any computer.

    import impasto
    impasto.draw("a red fox", seed=7)[0].save("fox.png")

`draw` and `vary` are looked up when they are first used, so that importing a part of Impasto never loads the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto.version import __version__

if TYPE_CHECKING:
    from impasto.local import draw, vary

__all__ = ["__version__", "draw", "vary"]


def __getattr__(name: str) -> Any:
    if name in ("draw", "vary"):
        from impasto import local

        return getattr(local, name)
    raise AttributeError(f"module 'impasto' has no attribute {name!r}")
