"""How large the wheel is, and the base install with all it brings, in a fresh virtual environment.

    python bench/sizes.py

Needs a package index. Aim: a wheel under 100 MB, an install under 350 MB.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
WHEEL_AIM_MB, INSTALL_AIM_MB = 100, 350
LARGEST = 10


def size_mb(path: Path) -> float:
    """A file, or all files under a folder, in 10**6 bytes."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    return sum(file.stat().st_size for file in files) / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT], check=True
        )
        (wheel,) = folder.glob("impasto-*.whl")
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        (packages,) = (folder / "venv").rglob("site-packages")
        before_mb, before = size_mb(packages), {part.name for part in packages.iterdir()}
        subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
        parts = sorted(
            ((size_mb(part), part.name) for part in packages.iterdir() if part.name not in before), reverse=True
        )
        print(f"{platform.platform()}, Python {platform.python_version()}\n")
        print("| | MB | aim MB |\n|---|---|---|")
        print(f"| wheel | {size_mb(wheel):.1f} | {WHEEL_AIM_MB} |")
        print(f"| base install, without pip | {size_mb(packages) - before_mb:.1f} | {INSTALL_AIM_MB} |")
        for part_mb, part in parts[:LARGEST]:
            print(f"| of it {part} | {part_mb:.1f} | |")


if __name__ == "__main__":
    main()
