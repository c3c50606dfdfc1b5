"""`impasto` as a process of its own: what it loads, how fast it answers, terminals, pipes and interrupts."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("torch", "transformers", "diffusers", "tensorflow", "jax")
IMPASTO = [sys.executable, "-m", "impasto"]
HELP_LIMIT_S = 0.3


def python(code: str, here: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    return done.stdout


def test_drawing_loads_no_torch(here: Path) -> None:
    loaded = python(
        "import sys, impasto, impasto.cli.main\n"
        "assert len(impasto.draw('a red fox', seed=7)) == 1\n"
        f"print([name for name in {HEAVY} if name in sys.modules])",
        here,
    )
    assert loaded == "[]\n"


def test_importing_loads_next_to_nothing(here: Path) -> None:
    code = "import sys, impasto; print([n for n in ('numpy', 'PIL', 'onnxruntime', 'pydantic') if n in sys.modules])"
    assert python(code, here) == "[]\n"


def test_help_answers_at_once(here: Path) -> None:
    """Processor time rather than the clock's, so that a busy machine does not fail it."""
    code = (
        "import sys, time, contextlib, io\n"
        "sys.argv = ['impasto', '--help']\n"
        "from impasto.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()\n"
        "print(time.process_time())"
    )
    assert min(float(python(code, here)) for _ in range(3)) < HELP_LIMIT_S


def in_terminal(args: list[str], here: Path, **environment: str) -> tuple[str, str]:
    """(standard output through a pipe, what a terminal on standard error saw)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*IMPASTO, *args],
        cwd=here,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"} | environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how Linux says that the other end is closed
            part = b""
        if not part:
            break
        seen += part
    out = process.communicate()[0]
    os.close(ours)
    assert process.returncode == 0
    return out, seen.decode()


def test_bar_on_a_terminal_and_results_on_the_pipe(here: Path) -> None:
    out, seen = in_terminal(["a red fox", "-n", "3", "--steps", "60"], here)
    assert "of 3" in seen
    assert re.search(r"\x1b\[[0-9;]*(3[0-7]|38;[0-9;]+)m", seen), "in colour"
    assert [line.split()[1] for line in out.splitlines()] == ["256x256"] * 3
    assert ".png" not in seen


def test_quiet_shows_no_bar(here: Path) -> None:
    assert in_terminal(["a red fox", "-q"], here)[1] == ""


def test_no_color_is_honoured(here: Path) -> None:
    plain = in_terminal(["a red fox", "-n", "3", "--steps", "60"], here, NO_COLOR="1")[1]
    assert "of 3" in plain
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|38;[0-9;]+)m", plain)


def test_interrupt_keeps_what_is_finished_and_leaves_nothing_half(here: Path) -> None:
    process = subprocess.Popen(
        [*IMPASTO, "a red fox", "-n", "1000", "--steps", "150", "--seed", "0"],
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # whoever runs the tests in the background has it ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    first = process.stdout.readline()  # one picture is done, many are not
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "impasto: stopped\n"
    told = {line.split()[0] for line in [first, *rest.splitlines()]}
    kept = {path.name for path in here.iterdir()}
    assert told <= kept
    assert len(kept) < 1000
    assert all(name.endswith(".png") for name in kept)
    for name in kept:
        with Image.open(here / name) as image:
            image.load()


def test_reader_that_goes_away(here: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*IMPASTO, "settings"], cwd=here, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_two_processes_draw_the_same_bytes(here: Path, seed: int) -> None:
    for name in ("one.png", "two.png"):
        subprocess.run([*IMPASTO, "a red fox", "--seed", str(seed), "-o", name, "-q"], cwd=here, check=True)
    assert (here / "one.png").read_bytes() == (here / "two.png").read_bytes()
