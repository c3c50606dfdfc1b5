"""`impasto card MODEL`: the page of a model. What is hand-written stands in `page.md` beside its recipes, with a
`$name` where each table goes; what is told there is read from the model's card, the logs of its runs, and the data
set's own card. Nothing is measured here.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from PIL import Image

from impasto.core import Invalid
from impasto.training.languages import LANGUAGES
from impasto.training.plots import curves
from impasto.training.recipe import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from impasto.models.cards import Card
    from impasto.models.registry import InstalledModel
    from impasto.training.recipe import Recipe

NOTE = "<!-- Written by `impasto card`; change page.md beside the recipes, not this file. -->"
NOT_YET = "Not measured."
UNCURVED = {"seen", "gradient", "core_hours", "wall_s"}
SHARES = ("_top1", "_top5", "share_of_english")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run and what is left of it: rows of numbers by column, each (seen, value)."""

    name: str
    recipe: Recipe
    columns: dict[str, list[tuple[float, float]]]


def page(installed: InstalledModel, out: Path | None = None, *, sheets: Path = Path("runs/mini/evaluate")) -> str:
    """The page as Markdown; written to `out` with its pictures in a folder of the same name beside it, if given.

    Raises Invalid where the recipe that the card names, or the page.md beside it, is not there.
    """
    folder = Path(installed.card.model.recipe).parent
    template = folder / "page.md"
    if not template.is_file():
        raise Invalid("card", f"there is no {template}; the page is written from it")
    ran = runs_of(folder)
    beside = out.with_suffix("") if out else Path(installed.card.model.name)
    parts = tables(installed, ran) | pictures(ran, sheets, beside, write=out is not None)
    try:
        text = Template(template.read_text()).substitute(parts)
    except (KeyError, ValueError) as error:
        raise Invalid(str(template), f"asks for {error}; there is: {', '.join(sorted(parts))}") from None
    text = f"{NOTE}\n{text}"
    if out:
        out.write_text(text)
    return text


def runs_of(folder: Path) -> list[Ran]:
    """The training runs of a folder's run.sh, in its order; those without a log here have no columns."""
    script = folder / "run.sh"
    if not script.is_file():
        raise Invalid("card", f"there is no {script}; it says which recipes make the model, in which order")
    paths = [Path(path) for path in re.findall(r"^impasto train (\S+\.toml)", script.read_text(), re.MULTILINE)]
    recipes = {path.stem: load(path) for path in paths}
    return [Ran(name=name, recipe=recipe, columns=columns_of(recipe.run.out)) for name, recipe in recipes.items()]


def columns_of(run: Path) -> dict[str, list[tuple[float, float]]]:
    """Column -> (seen, value) of a run's log.csv and measures.csv. Where a run went back to its checkpoint, or was
    started over, only what was written last counts."""
    columns: dict[str, list[tuple[float, float]]] = {}
    for name in ("measures.csv", "log.csv"):
        path, rows = run / name, []
        if not path.is_file():
            continue
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                while rows and float(rows[-1]["seen"]) >= float(row["seen"]):
                    rows.pop()
                rows.append(row)
        for row in rows:
            for key, value in row.items():
                if value not in (None, ""):
                    columns.setdefault(key, []).append((float(row["seen"]), float(value)))
    return columns


def tables(installed: InstalledModel, ran: Sequence[Ran]) -> dict[str, str]:
    """What the template may name, but for pictures."""
    card, results = installed.card, installed.card.results
    about = {key: getattr(card.model, key) for key in ("name", "version", "licence", "description")}
    return {
        **about,
        "files": _files(installed),
        "defaults": f"{card.defaults.steps} steps of {card.defaults.sampler}, guidance {card.defaults.guidance:g}",
        "data": data_of(ran),
        "compute": compute(ran),
        "training": _matrix("run", results.get("training")),
        "results": _numbers(results.get("measured")),
        "styles": by_style(card, results.get("styles")),
        "languages": by_language(results.get("languages")),
        "texts": by_language(results.get("texts")),
        "probes": _matrix("probes", results.get("probes")),
        "composed": _matrix("composed prompts", results.get("composed")),
        "against": against(results.get("against")),
    }


def data_of(ran: Sequence[Ran]) -> str:
    """What the data set's own card says of its size, sources and licences."""
    card = next((r.recipe.run.data / "CARD.md" for r in ran if (r.recipe.run.data / "CARD.md").is_file()), None)
    if card is None:
        return "The data set is not built here."
    parts = card.read_text().split("\n\n")
    return "\n\n".join([parts[1], *(part for part in parts if part.startswith(("| Source", "| Licence", "| Split")))])


def compute(ran: Sequence[Ran]) -> str:
    """Seen pictures and core-hours, a line a run."""
    rows, total = [], 0.0
    for each in ran:
        if "core_hours" not in each.columns:
            rows.append([each.name, "not run here", "", ""])
            continue
        seen, hours = each.columns["core_hours"][-1]
        total += hours
        rows.append([each.name, f"{seen:,.0f}", f"{each.recipe.run.pictures:,}", f"{hours:.2f}"])
    return _table(("run", "seen", "asked", "core-hours"), [*rows, ["all", "", "", f"{total:.2f}"]])


def by_style(card: Card, styles: dict[str, Any] | None) -> str:
    if not styles:
        return NOT_YET
    keys = [
        "held_out_pairs",
        "held_out_top1",
        "held_out_top5",
        "held_out_median_rank",
        "training_top1",
        "training_top5",
    ]
    rows = [
        [
            f"{name} ({card.styles[name].title})" if name in card.styles else name,
            *(_said(k, found.get(k)) for k in keys),
        ]
        for name, found in styles.items()
    ]
    return _table(("style", *(key.replace("_", " ") for key in keys)), rows)


def by_language(found: dict[str, Any] | None) -> str:
    """The summary, then a line a language, the best understood first."""
    if not found:
        return NOT_YET
    whole = {key: value for key, value in found.items() if key != "each"}
    each = sorted(found["each"].items(), key=lambda item: -item[1]["top5"])
    keys = list(each[0][1])
    rows = [
        [LANGUAGES.get(code, code), *(_said(f"_{key}", numbers.get(key)) for key in keys)] for code, numbers in each
    ]
    return _numbers(whole) + "\n\n" + _table(("language", *(key.replace("_", " ") for key in keys)), rows)


def against(found: dict[str, Any] | None) -> str:
    if not found:
        return NOT_YET
    keys = [*found["other"], *(key for key in found["ratio"] if key not in found["other"])]
    rows = [
        [key.replace("_", " "), _said(key, found["other"].get(key)), _said("", found["ratio"].get(key))] for key in keys
    ]
    said = f"The default ({found['default_way']}) against {found['model']} with {found['way']}."
    return f"{said}\n\n{_table(('', 'other', 'default / other'), rows)}"


def pictures(ran: Sequence[Ran], sheets: Path, folder: Path, *, write: bool) -> dict[str, str]:
    """Links to curves and sheets, which are put into `folder`."""
    shown, linked = [], []
    for each in ran:
        charts = {key: points for key, points in each.columns.items() if key not in UNCURVED and len(points) > 1}
        if charts:
            shown.append(f"**{each.name}**\n\n![curves of {each.name}]({folder.name}/{each.name}.svg)")
            if write:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{each.name}.svg").write_text(curves(charts))
    for sheet in sorted(sheets.glob("*.png")):
        linked.append(f"![{sheet.stem.replace('_', ' ')}]({folder.name}/{sheet.stem}.webp)")
        if write:
            folder.mkdir(parents=True, exist_ok=True)
            with Image.open(sheet) as image:
                image.convert("RGB").save(folder / f"{sheet.stem}.webp", quality=85)
    return {"curves": "\n\n".join(shown) or "No logs here.", "sheets": "\n\n".join(linked) or "No sheets here."}


def _files(installed: InstalledModel) -> str:
    sizes = {name: (installed.folder / name).stat().st_size for name in installed.card.files}
    rows = [[f"`{name}`", f"{size / 1e6:.1f}"] for name, size in sorted(sizes.items())]
    return _table(("file", "MB"), [*rows, ["all", f"{sum(sizes.values()) / 1e6:.1f}"]])


def _numbers(found: dict[str, Any] | None) -> str:
    if not found:
        return NOT_YET
    return _table(("", ""), [[key.replace("_", " "), _said(key, value)] for key, value in found.items()])


def _matrix(name: str, found: dict[str, Any] | None) -> str:
    """A line a group, a column a number of any of them."""
    if not found:
        return NOT_YET
    keys = list(dict.fromkeys(key for numbers in found.values() for key in numbers))
    rows = [
        [group.replace("_", " "), *(_said(f"_{k}", numbers.get(k)) for k in keys)] for group, numbers in found.items()
    ]
    return _table((name, *(key.replace("_", " ") for key in keys)), rows)


def _said(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{100 * value:.1f}%" if key.endswith(SHARES) else f"{value:.4g}"


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heading = list(heading)
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
