"""Before a picture is drawn from another one: is what was given enough, does it fit together, and how large is it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from impasto.core import Edit, ImageRequest, Invalid
from impasto.pictures.fitting import fit_init, fit_mask
from impasto.pictures.metadata import request_of

if TYPE_CHECKING:
    from impasto.core import Init, Mask
    from impasto.models.cards import Card

STRENGTH, MASKED_STRENGTH = 0.75, 1.0
"""where none is said; under a mask something is kept already"""
VARIATIONS = 4


def fitted(request: ImageRequest, card: Card) -> ImageRequest:
    """The request with its pictures fitted to its size; one without an init, or fitted before, comes back as it is.

    Raises Invalid naming mask, strength or size.
    """
    init, mask = request.init, request.mask
    if init is None:
        for field in ("mask", "strength"):
            if getattr(request, field) is not None:
                raise Invalid(field, "needs an init, the picture to start from")
        return request
    size_px = request.size_px or card.picture.sizes[0]
    card.check_size(size_px)
    if mask is not None and mask.pixels.shape != init.pixels.shape[:2]:
        raise Invalid("mask", f"must have the size of the init, {_size(init)}, not {_size(mask)}")
    fitted_mask = mask and fit_mask(mask, size_px)
    if fitted_mask is not None and not fitted_mask.pixels.any():
        raise Invalid("mask", "marks nothing to change: white changes, or transparent where it has transparency")
    return replace(request, init=fit_init(init, size_px), mask=fitted_mask)


def edit_of(request: ImageRequest) -> Edit | None:
    """What a drawing starts from, of a request that is fitted. Raises Invalid naming strength."""
    if request.init is None:
        return None
    strength = request.strength
    if strength is None:
        strength = STRENGTH if request.mask is None else MASKED_STRENGTH
    if not 0 < strength <= 1:  # also refuses nan
        raise Invalid("strength", f"must be above 0 and at most 1, not {strength}")
    return Edit(init=request.init, mask=request.mask, strength=strength)


def check_same(field: str, drawn_from: str | None, given: Init | Mask | None) -> None:
    """Refuse to draw again from anything but what a picture was drawn from, by the sha256 of the two."""
    if drawn_from is None and given is not None:
        raise Invalid(field, "must not be given: the picture was drawn without one")
    if drawn_from is not None and given is None:
        raise Invalid(field, f"must be given: the picture was drawn from one with sha256 {drawn_from}")
    if drawn_from is not None and given is not None and given.sha256 != drawn_from:
        raise Invalid(field, f"drawn from sha256 {drawn_from}; the one given has sha256 {given.sha256}")


def variation(init: Init, document: dict[str, Any] | None, said: dict[str, Any], *, model: str) -> ImageRequest:
    """The request for pictures like `init`: as it was drawn, if it has Impasto's document, but for what is said.

    `said` holds fields of ImageRequest; None is not said. The seed is never taken over, or the first variation would
    be drawn from the noise that the picture was itself drawn from. Raises Invalid if there are no words.
    """
    said = {field: value for field, value in said.items() if value is not None}
    if document is None and not said.get("words"):
        raise Invalid("words", "must be given: the picture carries none of Impasto's own")
    known = ImageRequest(words="", model=model) if document is None else request_of(document).request
    ours = {"seed": None, "count": VARIATIONS, "strength": None, "init": init}
    return replace(known, **(ours | said))


def _size(given: Init | Mask) -> str:
    return f"{given.pixels.shape[1]}x{given.pixels.shape[0]}"
