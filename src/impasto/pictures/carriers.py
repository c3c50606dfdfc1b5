"""Where in a file the two texts stand: A1111's `parameters` and Impasto's own JSON.

PNG: text chunks `parameters` and `impasto`. JPEG and WebP: EXIF UserComment, as A1111 does, and an XMP packet (XMP
specification part 1, RDF/XML). SVG: its metadata element.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from impasto.core import Invalid
from impasto.pictures.reading import check_file, opened

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Exif
    from PIL.PngImagePlugin import PngInfo

PNG_PARAMETERS, PNG_JSON = "parameters", "impasto"
NAMESPACE = "urn:impasto:picture:1"

_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_UNICODE = b"UNICODE\0"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SVG = "http://www.w3.org/2000/svg"


def dumps(document: dict[str, Any]) -> str:
    """One line of JSON in the order given."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def png_info(text: str, json_text: str) -> PngInfo:
    """`parameters` as tEXt where Latin-1 holds it and iTXt where not, as A1111 writes it; `impasto` as iTXt."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(PNG_PARAMETERS, text)
    info.add_itxt(PNG_JSON, json_text)
    return info


def exif(text: str) -> Exif:
    """EXIF with a UserComment in UTF-16, big-endian like the block that holds it (EXIF 2.32, 4.6.5)."""
    from PIL import Image

    block = Image.Exif()
    block.endian = ">"
    block.get_ifd(_EXIF_IFD)[_USER_COMMENT] = _UNICODE + text.encode("utf-16-be")
    return block


def xmp(json_text: str) -> bytes:
    """An XMP packet with the JSON as the one property `picture` of our namespace."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about="" xmlns:impasto="{NAMESPACE}">'
        f"<impasto:picture>{escape(json_text)}</impasto:picture>"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def into_svg(drawn: str, size_px: tuple[int, int], text: str, json_text: str) -> str:
    """A traced SVG with a viewBox, so that it scales, and a metadata element."""
    start = drawn.index("<svg")
    body = drawn[drawn.index(">", start) + 1 :]
    width, height = size_px
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="{_SVG}" version="1.1" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f'<metadata xmlns:impasto="{NAMESPACE}">'
        f'<impasto:parameters xml:space="preserve">{escape(text)}</impasto:parameters>'
        f"<impasto:picture>{escape(json_text)}</impasto:picture></metadata>{body}"
    )


def read_texts(path: Path | bytes) -> tuple[str | None, str | None]:
    """(A1111's text, Impasto's JSON) as they stand in a file, or in the bytes of one that is no SVG; None where one is
    missing.

    Raises Invalid if there is no such file, or it is no picture of a kind that is known.
    """
    if isinstance(path, bytes) or path.suffix.lower() != ".svg":
        return _read_image(path)
    check_file(path, "file")
    try:
        return _read_svg(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:  # what ElementTree raises for broken files, and no text
        raise Invalid("file", f"{path} is no readable SVG") from error


def _read_image(path: Path | bytes) -> tuple[str | None, str | None]:
    with opened(path, "file") as image:
        if image.format == "PNG":
            image.load()  # texts may stand behind the pixels
            return image.info.get(PNG_PARAMETERS), image.info.get(PNG_JSON)
        comment = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
        packet = image.info.get("xmp")
        return _comment_text(comment), _tag_text(packet.decode(errors="replace"), "picture") if packet else None


def _comment_text(comment: bytes | str | None) -> str | None:
    if not isinstance(comment, bytes):
        return comment
    if comment.startswith(_UNICODE):
        return comment[len(_UNICODE) :].decode("utf-16-be", errors="replace")
    return comment.removeprefix(b"ASCII\0\0\0").decode(errors="replace")


def _read_svg(svg: str) -> tuple[str | None, str | None]:
    return _tag_text(svg, "parameters"), _tag_text(svg, "picture")


def _tag_text(xml: str, tag: str) -> str | None:
    """The text of one of our elements. Documents that declare entities are refused: they can expand without end."""
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise ValueError("an XML document with a DOCTYPE")
    found = ElementTree.fromstring(xml.strip("\0 \n")).find(f".//{{{NAMESPACE}}}{tag}")
    return found.text if found is not None else None
