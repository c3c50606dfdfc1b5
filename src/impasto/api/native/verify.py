"""Who made this? Anyone may ask, of any picture; nothing of it is kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, UploadFile
from pydantic import BaseModel, ConfigDict

from impasto.api.house import HouseHere
from impasto.safety.verify import How, Origin, verify

router = APIRouter(prefix="/api", tags=["verify"])


class FindingOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: str
    how: How
    says: str


class ReportOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    origin: Origin
    answer: str
    findings: list[FindingOut]
    unknowable: str


@router.post("/verify", response_model=ReportOut)
def verified(house: HouseHere, file: Annotated[UploadFile, File(description="a PNG, JPEG or WebP")]) -> ReportOut:
    """What the file says of its origin, how far that can be believed, and what cannot be known. Never "real"."""
    return ReportOut.model_validate(verify(file.file.read(), house.marker.read))
