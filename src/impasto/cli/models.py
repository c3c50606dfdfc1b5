"""`impasto models`: what is installed, and other people's checkpoints added to it."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Context, Option, Typer

from impasto.cli import options as o
from impasto.cli.report import say

models = Typer(help="List the models that are installed; add more.", rich_markup_mode="rich")


@models.callback(invoke_without_command=True)
def _alone(context: Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@models.command("list")
def list_() -> None:
    """List the models that are installed."""
    from impasto import local
    from impasto.settings import settings as read

    registry = local.registry()
    for name in registry.names():
        found = registry.find(name)
        card, about = found.card, found.card.model
        say(f"{name} {about.version}{'  (default)' if name == read().model else ''}")
        sizes = ", ".join(f"{width}x{height}" for width, height in card.picture.sizes)
        say(f"  {about.description}")
        styles = f" in {len(card.styles)} styles" if card.styles else ""
        say(f"  draws {sizes}{styles}; licence {about.licence}; sha256 {found.ref.sha256}")
    for lora in local.loras().all():
        say(f"<lora:{lora.name}>  a LoRA for {lora.family} models; licence {lora.licence}; sha256 {lora.sha256}")


@models.command()
def add(
    source: Annotated[
        str,
        Argument(
            help="A folder as diffusers keeps it, one safetensors file, or https://huggingface.co/OWNER/NAME.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None, Option(help="What to call it; by default what the source is called.", show_default=False)
    ] = None,
    licence: Annotated[str, Option(help="Under which licence it came, for its card.")] = "unknown",
    like: Annotated[
        str | None,
        Option(help="An installed model that lends the parts a file lacks.", autocompletion=o.complete_models),
    ] = None,
    prediction: Annotated[
        str | None, Option(help="What its net answers with, where the source is silent or wrong: epsilon or v.")
    ] = None,
) -> None:
    """Add someone else's checkpoint or LoRA to the models: its files, and a card that names the hash of each.

    Only safetensors are taken. The network is used only if the source is a repository of a hub.
    """
    from pathlib import Path

    from impasto import local
    from impasto.models.loras import is_lora

    if source.endswith(".safetensors") and Path(source).expanduser().is_file() and is_lora(Path(source).expanduser()):
        lora = local.add_lora(source, name, licence=licence)
        say(f"{lora.name}: a LoRA for {lora.family} models; ask for it in words as <lora:{lora.name}:1>")
        return
    model = local.add_model(source, name, licence=licence, like=like, prediction=prediction)
    say(f"{model.ref.name}: {len(model.card.files)} files in {model.folder}")


@models.command()
def check(
    names: Annotated[
        list[str] | None, Argument(help="Which; by default all.", autocompletion=o.complete_models, show_default=False)
    ] = None,
) -> None:
    """Compare every file of the models with the hash in its card."""
    from impasto import local

    registry = local.registry()
    for name in names or registry.names():
        model = registry.check(name)
        say(f"{name}: {len(model.card.files)} files are as the card says")
    if not names:
        for lora in local.loras().all():
            local.loras().check(lora)
            say(f"<lora:{lora.name}>: as its card says")
