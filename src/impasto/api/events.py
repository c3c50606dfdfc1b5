"""Server-sent events (WHATWG HTML, section 9.2), and what several routes say of themselves to OpenAPI."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from fastapi.responses import StreamingResponse

if TYPE_CHECKING:
    from numpy import ndarray

MIME = "text/event-stream"
BEAT_S = 15.0
"""a comment is sent after so long a silence, so that nothing between takes the line for dead"""

ASK_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Ask"}},
        "multipart/form-data": {"schema": {"$ref": "#/components/schemas/Ask"}},
    },
}


def stream(happening: AsyncIterator[tuple[str, str]]) -> StreamingResponse:
    """(event, data) pairs as a stream; data may have several lines."""
    return StreamingResponse(
        _written(happening), media_type=MIME, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def _written(happening: AsyncIterator[tuple[str, str]]) -> AsyncIterator[str]:
    number = 0
    upcoming = asyncio.ensure_future(anext(happening, None))
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=BEAT_S)
            if not done:
                yield ": \n\n"
                continue
            if (event := upcoming.result()) is None:
                return
            name, data = event
            lines = "".join(f"data: {line}\n" for line in data.split("\n"))
            yield f"id: {number}\n" + (f"event: {name}\n" if name else "") + lines + "\n"
            number += 1
            upcoming = asyncio.ensure_future(anext(happening, None))
    finally:
        upcoming.cancel()


def data_url(pixels: ndarray) -> str:
    """A small picture, (height, width, 4) uint8."""
    from PIL import Image

    out = BytesIO()
    Image.fromarray(pixels, "RGBA").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
