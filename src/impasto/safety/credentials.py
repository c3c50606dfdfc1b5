"""Content Credentials (C2PA 2.2): a picture says, signed, that a model made it, and which one.

An instance signs with a certificate of its own, below a root of its own, both made the first time; an operator's chain
and key may lie in their place. Who does not know the root sees a valid signature of someone unknown, which it is.
Nothing is fetched, and there is no time stamp, as that would take a server of someone else's.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

from impasto.core import Damaged, Invalid
from impasto.pictures.metadata import describe
from impasto.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from impasto.core import Picture

CHAIN, KEY, ROOT = "chain.pem", "key.pem", "root.pem"
VALID_FOR = timedelta(days=3650)
MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MIXED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
MODEL_LABEL = "app.impasto.model"
PNG = "image/png"

State = Literal["none", "trusted", "valid", "tampered"]
TYPES = {b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"<?xml": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a file's Content Credentials say."""

    state: State
    """none; signed by one who is trusted here; signed by someone unknown; or changed after it was signed"""
    signer: str = ""
    """the name in the certificate: what it says of itself, unless it is trusted"""
    made_by_machine: bool | None = None
    """whether the claim says that a trained model made it or part of it; None: it does not say"""
    tool: str = ""
    model: dict[str, str] | None = None
    """name, version and sha256 of the model, where Impasto drew it"""
    faults: tuple[str, ...] = ()
    """the codes of what is wrong, as the specification names them"""


class Signing:
    """An instance's key and certificates, in a folder that only its owner may read. Implements ports.Marker."""

    def __init__(self, folder: Path) -> None:
        """Makes them if they are not there. Raises Damaged if only some of them are."""
        self._folder = folder
        there = [name for name in (CHAIN, KEY) if (folder / name).is_file()]
        if not there:
            _make(folder)
        elif len(there) == 1:
            raise Damaged(f"{folder}: holds {there[0]} but not the other of {CHAIN} and {KEY}")
        self._signer  # noqa: B018  # a key that does not fit is refused at the start, not at the first picture

    def mark(self, content: bytes, picture: Picture) -> bytes:
        """A PNG of the picture -> the same pixels, signed."""
        init = None if (edit := picture.drawing.edit) is None else (_png(edit.init.pixels), edit.init.sha256)
        return self._signed(content, _drawn(picture), init)

    def follow(self, content: bytes, kept: bytes) -> bytes:
        """Another file of a picture that was marked, smaller or of another format -> signed, with what it was made
        from."""
        return self._signed(content, _converted(kept), (kept, sha256(kept).hexdigest()))

    def _signed(self, content: bytes, claim: dict[str, Any], parent: tuple[bytes, str] | None) -> bytes:
        import c2pa

        context, out = _context({"builder": {"thumbnail": {"enabled": False}}}), BytesIO()
        with c2pa.Builder(json.dumps(claim), context=context) as builder:
            if parent is not None:
                file, name = parent
                ingredient = {
                    "title": "what it was made from",
                    "relationship": "parentOf",
                    "instance_id": _instance(name),
                }
                builder.add_ingredient(json.dumps(ingredient), PNG, BytesIO(file))
            builder.sign(self._signer, kind_of(content), BytesIO(content), out)
        return out.getvalue()

    def root(self) -> bytes:
        """The certificate to trust, to trust what this instance signed: PEM."""
        path = self._folder / ROOT
        return (path if path.is_file() else self._folder / CHAIN).read_bytes()

    def read(self, content: bytes) -> Credentials:
        """What a file says, as this instance trusts itself."""
        return read(content, trusted=[self.root()])

    @cached_property
    def _signer(self) -> Any:
        import c2pa

        chain, key = (self._folder / CHAIN).read_bytes(), (self._folder / KEY).read_bytes()
        try:
            # no time stamp: that would take a server of someone else's
            return c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None))
        except c2pa.C2paError as error:
            raise Damaged(
                f"{self._folder}: cannot sign, the key must be ECDSA P-256 and the chain's own: {error}"
            ) from error


def read(content: bytes, *, trusted: list[bytes] | None = None) -> Credentials:
    """What a PNG, JPEG or WebP says of itself; `trusted` are root certificates, PEM. Raises Invalid for other files."""
    import c2pa

    kind = kind_of(content)
    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if trusted:
        settings["trust"] = {"user_anchors": b"\n".join(trusted).decode()}
    try:
        with c2pa.Reader(kind, BytesIO(content), context=_context(settings)) as reader:
            told = json.loads(reader.json())
            state = reader.get_validation_state()
    except c2pa.C2paError as error:
        if "ManifestNotFound" in type(error).__name__ or "ManifestNotFound" in str(error) or "no JUMBF" in str(error):
            return Credentials(state="none")
        return Credentials(state="tampered", faults=(str(error).splitlines()[0],))
    return _found(told, str(state))


def kind_of(content: bytes) -> str:
    """A file's media type by its first bytes. Raises Invalid."""
    kind = next((kind for start, kind in TYPES.items() if content.startswith(start)), None)
    if kind is None:
        raise Invalid("file", "must be a PNG, JPEG, WebP or SVG")
    return kind


def _context(settings: dict[str, Any]) -> Any:
    import c2pa

    return c2pa.Context(c2pa.Settings.from_dict(settings))


def _found(told: dict[str, Any], state: str) -> Credentials:
    active = told["manifests"][told["active_manifest"]]
    said = [_assertions(manifest) for manifest in _lineage(told, active)]
    actions = [
        one
        for each in said
        for name, data in each.items()
        if name.startswith("c2pa.actions")
        for one in data["actions"]
    ]
    sources = [action["digitalSourceType"] for action in actions if "digitalSourceType" in action]
    faults = [one["code"] for one in told.get("validation_status", []) if one["code"] != "signingCredential.untrusted"]
    states: dict[str, State] = {"Trusted": "trusted", "Valid": "valid"}
    signature = active.get("signature_info") or {}
    generator = (active.get("claim_generator_info") or [{}])[0]
    return Credentials(
        state=states.get(state, "tampered"),
        signer=signature.get("common_name") or signature.get("issuer") or "",
        made_by_machine=any("rainedAlgorithmicMedia" in source for source in sources) if sources else None,
        tool=" ".join(str(generator[key]) for key in ("name", "version") if key in generator),
        model=next((each[MODEL_LABEL] for each in said if MODEL_LABEL in each), None),
        faults=tuple(dict.fromkeys(faults)),
    )


def _assertions(manifest: dict[str, Any]) -> dict[str, Any]:
    return {one["label"]: one["data"] for one in manifest.get("assertions", [])}


def _lineage(told: dict[str, Any], manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A manifest, then those of what it was made from, nearest first."""
    yield manifest
    for ingredient in manifest.get("ingredients", []):
        if (before := told["manifests"].get(ingredient.get("active_manifest"))) is not None:
            yield from _lineage(told, before)


def _drawn(picture: Picture) -> dict[str, Any]:
    """The claim of what was drawn. Words are not in it: they stand in the file's own document, where that is wanted."""
    agent = {"name": f"Impasto, {picture.model.name}", "version": picture.model.version}
    if (edit := picture.drawing.edit) is None:
        actions: list[dict[str, Any]] = [{"action": "c2pa.created", "digitalSourceType": MADE, "softwareAgent": agent}]
    else:
        actions = [
            _opened(edit.init.sha256),
            {"action": "c2pa.edited", "digitalSourceType": MIXED, "softwareAgent": agent},
        ]
    return _claim(actions, {MODEL_LABEL: describe(picture)["model"]})


def _converted(kept: bytes) -> dict[str, Any]:
    return _claim([_opened(sha256(kept).hexdigest()), {"action": "c2pa.transcoded"}], {})


def _claim(actions: list[dict[str, Any]], more: dict[str, Any]) -> dict[str, Any]:
    """A manifest's definition."""
    told = {"c2pa.actions.v2": {"actions": actions}, **more}
    return {
        "claim_generator_info": [{"name": "Impasto", "version": __version__}],
        "assertions": [{"label": label, "data": data} for label, data in told.items()],
    }


def _opened(name: str) -> dict[str, Any]:
    return {"action": "c2pa.opened", "parameters": {"ingredientIds": [_instance(name)]}}


def _instance(name: str) -> str:
    return f"xmp:iid:{name}"


def _png(pixels: Any) -> bytes:
    from PIL import Image

    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _make(folder: Path) -> None:
    """A root and, below it, the certificate that signs: ECDSA P-256, for ten years."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = datetime.now(UTC)

    def name(common: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Impasto"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
        )

    def usage(**said: bool) -> x509.KeyUsage:
        names = (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        )  # fmt: skip
        return x509.KeyUsage(**dict.fromkeys(names, False) | said)

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = name("An instance of Impasto, root"), name("An instance of Impasto")

    def started(of: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(of).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + VALID_FOR)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
        return builder.add_extension(above, critical=False)

    root = (
        started(issuer, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        started(subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _keep(folder / ROOT, root.public_bytes(pem))
    _keep(folder / CHAIN, leaf.public_bytes(pem) + root.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _keep(folder / KEY, secret)


def _keep(path: Path, content: bytes) -> None:
    """Readable by its owner alone, whole or not at all. The root's own key is never kept: it has signed all it will."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)
