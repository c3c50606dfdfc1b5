"""What the README says is done here, with the embedded model."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS: dict[str, list[str]] = {
    language: [body for kind, body in re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL) if kind == language]
    for language in ("sh", "python")
}
INSTALL, EXAMPLES, TEST = BLOCKS["sh"]


def environment() -> dict[str, str]:
    """This one, without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IMPASTO_")}


def test_examples_run_in_order(tmp_path: Path) -> None:
    for line in EXAMPLES.splitlines():
        command, *args = shlex.split(line)
        assert command == "impasto"
        done = subprocess.run(
            [sys.executable, "-m", "impasto", *args], cwd=tmp_path, env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert done.stderr == ""
    assert (tmp_path / "fox.svg").read_bytes() == (tmp_path / "same.svg").read_bytes()
    assert len(list((tmp_path / "foxes").iterdir())) == 4
    assert len(list((tmp_path / "like-it").iterdir())) == 4
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width > 256 * 6
        assert image.height > 256 * 2


@pytest.mark.parametrize("code", BLOCKS["python"])
def test_python_runs(code: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, env=environment(), check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "fox-7.webp",
        "fox-8.webp",
        "small-7.png",
        "small-8.png",
    ]


def test_test_command_is_what_ci_runs() -> None:
    assert TEST.strip() == 'pip install -e ".[dev]" && python -m pytest'
    script = (ROOT / ".ci" / "run").read_text()
    found = re.search(r"command=\$\((awk .*)\)", script)
    assert found
    said = subprocess.run(["bash", "-c", found[1]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said == TEST
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_install_command_draws_in_a_fresh_environment(tmp_path: Path) -> None:
    """Needs a package index, as whoever follows the README does."""
    venv.create(tmp_path / "venv", with_pip=True)
    source = tmp_path / "source"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".git", "runs", "datasets", ".cache", ".venv*", ".*_cache")
    )
    folder = tmp_path / "venv" / "bin"
    fresh = environment() | {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "IMPASTO_OUTPUT_FOLDER": str(tmp_path),
    }
    fresh.pop("PYTHONPATH", None)
    subprocess.run(["bash", "-euc", INSTALL], cwd=source, env=fresh, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(source)  # the package stands on its own: the weights came with it
    (drawn,) = tmp_path.glob("a-red-fox-*.png")
    with Image.open(drawn) as image:
        assert image.size == (256, 256)
    shown = subprocess.run([folder / "impasto", "show", drawn], env=fresh, check=True, capture_output=True, text=True)
    assert re.search(r"^model\.name\s+mini$", shown.stdout, re.MULTILINE)
    listed = subprocess.run([folder / "pip", "list"], env=fresh, check=True, capture_output=True, text=True).stdout
    assert not re.search(r"^(torch|transformers|diffusers) ", listed, re.MULTILINE)
