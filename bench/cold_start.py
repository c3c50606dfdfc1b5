"""How long `impasto "a red fox"` takes from process start to a file on disk, and how much memory it needs.

    python bench/cold_start.py [--runs 10]

Beside it stand the floor, a bare Python, and the time that importing diffusers alone takes, where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

AIM_S, AIM_MB = 1.5, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    wall_s: float
    cpu_s: float
    peak_mb: float


def measure(command: list[str], folder: Path) -> Run:
    """One run of a command to its end. Raises RuntimeError if it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux KiB
    return Run(wall_s=wall_s, cpu_s=used.ru_utime + used.ru_stime, peak_mb=used.ru_maxrss / unit)


def row(name: str, runs: list[Run]) -> str:
    walls = [run.wall_s for run in runs]
    return (
        f"| {name} | {statistics.median(walls):.2f} | {min(walls):.2f} | {max(walls):.2f} "
        f"| {statistics.median(run.cpu_s for run in runs):.2f} | {max(run.peak_mb for run in runs):.0f} |"
    )


def machine() -> str:
    """The processor's name and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{names[0] if names else platform.processor()}, {cores} cores{load}, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    peers = {
        'impasto "a red fox"': [sys.executable, "-m", "impasto", "a red fox", "--seed", "7", "-o", "fox.png"],
        "impasto --help": [sys.executable, "-m", "impasto", "--help"],
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import diffusers'": [sys.executable, "-c", "import diffusers"],
    }
    print(f"{machine()}; {runs} runs each after one that warms the disk cache; aim {AIM_S} s and {AIM_MB} MB\n")
    print("| | median s | best s | worst s | processor s | peak MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, command in peers.items():
            if "diffusers" in name and importlib.util.find_spec("diffusers") is None:
                print(f"| {name} | not installed | | | | |")
                continue
            measure(command, Path(folder))
            print(row(name, [measure(command, Path(folder)) for _ in range(runs)]), flush=True)


if __name__ == "__main__":
    main()
