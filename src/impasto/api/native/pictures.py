"""Pictures kept: looked for, shown, marked, put in albums, taken out, deleted."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from impasto.api.callers import CallerHere
from impasto.api.house import HouseHere
from impasto.pictures.carriers import dumps
from impasto.pictures.formats import encode_image
from impasto.pictures.metadata import parameters_text
from impasto.pictures.names import stem
from impasto.workflows.gallery import MOST_AT_ONCE, Kept, Wish

router = APIRouter(prefix="/api", tags=["pictures"])

MIMES = {"png": "image/png", "webp": "image/webp", "jpg": "image/jpeg", "svg": "image/svg+xml"}
THUMB_PX = 320
Format = Literal["png", "webp", "jpg", "svg"]


class Ids(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)


class Marked(Ids):
    favourite: bool


class Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class KeptOut(BaseModel):
    id: str
    job_id: str
    index: int
    sha256: str
    words: str
    negative: str
    model: str
    style: str
    seed: int
    width_px: int
    height_px: int
    size_bytes: int
    favourite: bool
    created_at: datetime
    document: dict[str, Any] = Field(description="all that made it; it can be drawn again from this")
    url: str


class PageOut(BaseModel):
    pictures: list[KeptOut]
    next: str | None = Field(description="ask again with before=this for the rest")


class AlbumOut(BaseModel):
    id: str
    name: str
    count: int


@router.get("/pictures", response_model=PageOut)
def pictures(
    house: HouseHere,
    caller: CallerHere,
    words: Annotated[str, Query(max_length=500)] = "",
    model: str | None = None,
    style: str | None = None,
    favourite: bool | None = None,
    album: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: Annotated[str | None, Query(description="the `next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PageOut:
    """Your own, newest first; `words` finds those with all of them, each as it begins."""
    wish = Wish(
        words=words, model=model, style=style, favourite=favourite, album=album, after=_utc(since), before=_utc(until)
    )
    page = house.gallery.page(caller, wish, before=before, limit=limit)
    return PageOut(pictures=[told(kept) for kept in page.pictures], next=page.next)


@router.get("/pictures/{picture_id}", response_model=KeptOut)
def picture(picture_id: str, house: HouseHere, caller: CallerHere) -> KeptOut:
    return told(house.gallery.find(caller, picture_id))


@router.get("/pictures/{picture_id}/file", response_class=FileResponse)
def file(
    picture_id: str,
    request: Request,
    house: HouseHere,
    caller: CallerHere,
    format: Format = "png",  # noqa: A002
    download: bool = False,
) -> Response:
    """The picture itself, with all that made it inside. An SVG comes as a file to keep, never to be shown in place."""
    kept = house.gallery.find(caller, picture_id)
    headers = {"ETag": f'"{kept.sha256}-{format}"', "Cache-Control": "private, max-age=31536000, immutable"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if download or format == "svg":
        headers["Content-Disposition"] = f'attachment; filename="{_name(kept)}.{format}"'
    path = house.blobs.path(kept.sha256)
    if format == "png":
        return FileResponse(path, media_type=MIMES[format], headers=headers)
    made = house.marker.follow(_as(kept, path, format), path.read_bytes())
    return Response(made, media_type=MIMES[format], headers=headers)


@router.get("/pictures/{picture_id}/thumb", response_class=Response)
def thumb(picture_id: str, request: Request, house: HouseHere, caller: CallerHere) -> Response:
    """At most 320 px a side, WebP."""
    from PIL import Image

    kept = house.gallery.find(caller, picture_id)
    headers = {"ETag": f'"{kept.sha256}-thumb"', "Cache-Control": "private, max-age=31536000, immutable"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    out = io.BytesIO()
    with Image.open(house.blobs.path(kept.sha256)) as image:
        image.thumbnail((THUMB_PX, THUMB_PX))
        image.save(out, "WEBP", quality=85)
    return Response(out.getvalue(), media_type="image/webp", headers=headers)


@router.post("/pictures/mark", status_code=204)
def mark(asked: Marked, house: HouseHere, caller: CallerHere) -> None:
    """Make them favourites, or not."""
    house.gallery.mark(caller, asked.ids, favourite=asked.favourite)


@router.post("/pictures/delete", status_code=204)
def delete(asked: Ids, house: HouseHere, caller: CallerHere) -> None:
    """Delete them, all or none: the files are gone, not hidden."""
    house.gallery.delete(caller, asked.ids)


@router.delete("/pictures/{picture_id}", status_code=204)
def delete_one(picture_id: str, house: HouseHere, caller: CallerHere) -> None:
    house.gallery.delete(caller, [picture_id])


@router.post(
    "/pictures/export", response_class=StreamingResponse, responses={200: {"content": {"application/zip": {}}}}
)
def export(asked: Ids, house: HouseHere, caller: CallerHere) -> StreamingResponse:
    """A zip of them, each a PNG that carries all that made it."""
    kept = house.gallery.export(caller, asked.ids)
    headers = {"Content-Disposition": 'attachment; filename="pictures.zip"'}
    return StreamingResponse(_zipped(kept), media_type="application/zip", headers=headers)


@router.get("/albums", response_model=list[AlbumOut])
def albums(house: HouseHere, caller: CallerHere) -> list[AlbumOut]:
    return [AlbumOut(id=album.id, name=album.name, count=album.count) for album in house.gallery.albums(caller)]


@router.post("/albums", status_code=201, response_model=AlbumOut)
def new_album(asked: Named, house: HouseHere, caller: CallerHere) -> AlbumOut:
    album = house.gallery.new_album(caller, asked.name)
    return AlbumOut(id=album.id, name=album.name, count=album.count)


@router.patch("/albums/{album_id}", status_code=204)
def rename_album(album_id: str, asked: Named, house: HouseHere, caller: CallerHere) -> None:
    house.gallery.rename_album(caller, album_id, asked.name)


@router.delete("/albums/{album_id}", status_code=204)
def delete_album(album_id: str, house: HouseHere, caller: CallerHere) -> None:
    """The pictures in it stay."""
    house.gallery.delete_album(caller, album_id)


@router.post("/albums/{album_id}/pictures", status_code=204)
def put_in(album_id: str, asked: Ids, house: HouseHere, caller: CallerHere) -> None:
    house.gallery.put_in(caller, album_id, asked.ids)


@router.post("/albums/{album_id}/pictures/remove", status_code=204)
def take_from(album_id: str, asked: Ids, house: HouseHere, caller: CallerHere) -> None:
    house.gallery.take_from(caller, album_id, asked.ids)


def told(kept: Kept) -> KeptOut:
    shown = {name: getattr(kept, name) for name in KeptOut.model_fields if name != "url"}
    return KeptOut(**shown, url=f"/api/pictures/{kept.id}/file")


def _as(kept: Kept, path: Path, ending: str) -> bytes:
    from PIL import Image

    with Image.open(path) as image:
        document = kept.document
        return encode_image(image.convert("RGBA"), f".{ending}", parameters_text(document), dumps(document))


def _zipped(kept: list[tuple[Kept, Path]]) -> Iterator[bytes]:
    """A zip as it is written; PNGs are stored, they are packed already."""
    out = _Passing()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, (picture, path) in enumerate(kept, 1):
            archive.write(path, f"{number:04d}-{_name(picture)}.png")
            yield out.taken()
    yield out.taken()


class _Passing(io.RawIOBase):
    """A file that is read as it is written; nothing is kept."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        out = bytes(self._waiting)
        self._waiting.clear()
        return out


def _name(kept: Kept) -> str:
    return stem(kept.words, kept.seed).encode("ascii", "ignore").decode() or kept.id


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone() if time is not None and time.tzinfo is None else time
