"""What is installed here, and whether the house is open."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from impasto.api.callers import CallerHere
from impasto.api.house import HouseHere
from impasto.models.cards import Card
from impasto.version import __version__

router = APIRouter(prefix="/api", tags=["models"])


class StyleOut(BaseModel):
    name: str
    title: str


class ModelOut(BaseModel):
    name: str
    version: str
    family: str
    licence: str
    description: str
    parents: list[str]
    styles: list[StyleOut]
    sizes: list[tuple[int, int]]
    style: str
    steps: int
    guidance: float
    sampler: str


class HealthOut(BaseModel):
    status: str
    version: str


@router.get("/models", response_model=list[ModelOut])
def models(house: HouseHere, caller: CallerHere) -> list[ModelOut]:
    """The default one first. What it says of steps and the rest is what an ask gets that does not say."""
    return [told(card) for card in house.desk.cards()]


@router.get("/health", response_model=HealthOut)
def health() -> HealthOut:
    return HealthOut(status="ok", version=__version__)


def told(card: Card) -> ModelOut:
    about, default = card.model, card.defaults
    return ModelOut(
        name=about.name,
        version=about.version,
        family=about.family,
        licence=about.licence,
        description=about.description,
        parents=list(about.parents),
        styles=[StyleOut(name=name, title=style.title or name) for name, style in card.styles.items()],
        sizes=[(width, height) for width, height in card.picture.sizes],
        style=default.style,
        steps=default.steps,
        guidance=default.guidance,
        sampler=default.sampler,
    )
