"""What a person filled in -> an ImageRequest. Says no in the page's own terms, by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from impasto.core import MAX_SEED, ImageRequest, Invalid
from impasto.studio.contexts import MOST_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from impasto.core import Init, Mask


class Asked(BaseModel):
    """The fields of the form on the first page; what was left empty is the model's default."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    words: str
    negative: str = ""
    model: str = "mini"
    style: str | None = None
    size: str | None = Field(default=None, pattern=r"^\d{1,5}x\d{1,5}$")
    count: int = Field(default=1, ge=1, le=MOST_AT_ONCE)
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    background: str = "transparent"
    strength: float | None = None

    @field_validator("style", "size", "seed", "steps", "guidance", "sampler", "strength", mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        return None if value == "" else value

    def request(self, init: Init | None = None, mask: Mask | None = None) -> ImageRequest:
        width_px, height_px = (int(side) for side in self.size.split("x")) if self.size else (0, 0)
        return ImageRequest(
            words=self.words,
            negative=self.negative,
            model=self.model,
            style=self.style,
            size_px=(width_px, height_px) if self.size else None,
            count=self.count,
            seed=self.seed,
            steps=self.steps,
            guidance=self.guidance,
            sampler=self.sampler,
            background=self.background,
            init=init,
            mask=mask,
            strength=self.strength if init else None,
        )


def read_form(fields: Mapping[str, Any]) -> Asked:
    """Raises Invalid naming the first field that breaks a rule."""
    try:
        return Asked.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(str(first["loc"][0]), first["msg"]) from error
