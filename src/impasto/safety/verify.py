""" "Who made this?": what a file says of its origin, how far that can be believed, and what cannot be known.

Nothing here ever says that a picture is real: a file without marks is only a file without marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from impasto.core import Invalid
from impasto.pictures.metadata import read_any
from impasto.pictures.reading import opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from impasto.safety.credentials import Credentials

How = Literal["proven", "signed", "said", "contradicted"]
"""signed by who is trusted here; signed by someone unknown; written where anyone can write; signed, then changed"""
Origin = Literal["machine", "machine_perhaps", "unknown"]

TOOLS = {"prompt": "ComfyUI", "workflow": "ComfyUI", "invokeai_metadata": "InvokeAI", "sd-metadata": "InvokeAI"}
"""texts that only one tool writes into its PNGs"""
UNKNOWABLE = (
    "A file that says nothing may be a photograph, a drawing, or a picture whose marks were taken off. Marks can be "
    "removed, and words in a file can be written by anyone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found, in plain words."""

    kind: Literal["credentials", "impasto", "a1111", "tool"]
    how: How
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is known of a file."""

    origin: Origin
    """made by a machine, as a trusted signature says; said to be; or nothing is known"""
    answer: str
    findings: tuple[Finding, ...]
    unknowable: str = UNKNOWABLE


def verify(content: bytes, read_credentials: Callable[[bytes], Credentials] | None) -> Report:
    """A PNG, JPEG or WebP -> what is known of it; `read_credentials` may be missing where no library reads them.

    Raises Invalid for other files, and for those that cannot be opened.
    """
    with opened(content, "file") as image:
        texts = {str(name) for name in image.info} if image.format == "PNG" else set()
    findings = [*_signed(content, read_credentials), *_written(content, texts)]
    if any(one.how == "proven" for one in findings):
        return Report(origin="machine", answer="A machine made this picture, or part of it.", findings=tuple(findings))
    if findings:
        answer = "This file says that a machine made it; nothing that is trusted here confirms it."
        if any(one.how == "contradicted" for one in findings):
            answer = "This file was changed after it was signed; what it says cannot be relied on."
        return Report(origin="machine_perhaps", answer=answer, findings=tuple(findings))
    return Report(origin="unknown", answer="Nothing in this file says where it comes from.", findings=())


def _signed(content: bytes, read_credentials: Callable[[bytes], Credentials] | None) -> list[Finding]:
    if read_credentials is None or (found := read_credentials(content)).state == "none":
        return []
    by = f"{found.tool or 'a tool that does not say its name'}, signed by “{found.signer or 'someone unnamed'}”"
    if found.model:
        by += f", with the model {found.model['name']} {found.model['version']} (sha256 {found.model['sha256'][:12]})"
    if found.state == "tampered":
        faults = ", ".join(found.faults) or "the signature does not fit"
        return [Finding(kind="credentials", how="contradicted", says=f"Content Credentials of {by}: {faults}.")]
    what = {
        True: "a trained model made it or part of it",
        False: "no trained model made it",
        None: "not how it was made",
    }
    how: How = "signed" if found.state == "valid" or not found.made_by_machine else "proven"
    trust = "trusted here" if found.state == "trusted" else "not known here, and may be anyone"
    says = f"Content Credentials of {by}, say: {what[found.made_by_machine]}. Who signed is {trust}."
    return [Finding(kind="credentials", how=how, says=says)]


def _written(content: bytes, texts: set[str]) -> list[Finding]:
    try:
        told = read_any(content)
    except Invalid as error:
        return [Finding(kind="impasto", how="contradicted", says=f"Impasto's document in it cannot be read: {error}.")]
    found = []
    if told.document is not None:
        model = told.document.get("model", {})
        says = f"It carries Impasto's parameters: drawn by {model.get('name')} {model.get('version')}."
        found.append(Finding(kind="impasto", how="said", says=says))
    elif told.parameters is not None:
        found.append(Finding(kind="a1111", how="said", says="It carries parameters as A1111's web UI writes them."))
    for tool in dict.fromkeys(TOOLS[name] for name in sorted(texts & TOOLS.keys())):
        found.append(Finding(kind="tool", how="said", says=f"It carries parameters as {tool} writes them."))
    return found
