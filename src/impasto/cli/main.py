"""`impasto`: the command line's front door. A folder rather than one cli.py, so that what draws, what tells, what makes
models and what is printed each stay on a page.

Words are the default command: whatever is not the name of a command or an option of `impasto` itself is drawn.
Every refusal is one line on standard error and exit code 2.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

from typer import Exit, Option, Typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from impasto.cli import drawing, looking, making, models, operating, serving
from impasto.core import Failed, ImpastoError
from impasto.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    # what the methods are typed with; typer.Context is a subclass
    from typer._click import Context
    from typer._click.shell_completion import CompletionItem

DEFAULT = "draw"
OWN_OPTIONS = {"-h", "--help", "--version", "--install-completion", "--show-completion"}
REFUSED, BROKEN, INTERRUPTED = 2, 1, 130

HELP = """Words become pictures, offline, on any computer.

    impasto "a red fox"
    impasto -n 4 --style flat -o foxes/ "a {red|blue} fox"
    impasto draw --help          every option of drawing
"""


class Door(TyperGroup):
    """Sends words that are no command to `draw`."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            args = ["--help"]
        if args and args[0] not in self.commands and args[0].partition("=")[0] not in OWN_OPTIONS:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Context, incomplete: str) -> list[CompletionItem]:
        """Where nothing is typed yet, the options of `draw` fit as well as those of `impasto`."""
        draw = self.commands[DEFAULT]
        with draw.make_context(DEFAULT, [], parent=ctx, resilient_parsing=True) as inner:
            return [*super().shell_complete(ctx, incomplete), *draw.shell_complete(inner, incomplete)]


app = Typer(
    cls=Door,
    help=HELP,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
COMMANDS: tuple[Callable[..., None], ...] = (
    drawing.draw,
    drawing.vary,
    drawing.again,
    drawing.grid,
    looking.show,
    looking.verify,
    looking.styles,
    looking.settings,
    making.train,
    making.evaluate,
    making.card,
    serving.serve,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(making.data, name="data")
app.add_typer(models.models, name="models")
app.add_typer(operating.accounts, name="accounts")
app.add_typer(operating.ledger, name="ledger")


def _version(asked: bool) -> None:
    if asked:
        print(f"impasto {__version__}")
        raise Exit


@app.callback()
def _door(
    version: Annotated[
        bool, Option("--version", help="Print the version.", callback=_version, is_eager=True, show_default=False)
    ] = False,
) -> None:
    """Nothing of its own to do: `version` acts when it is read."""


def main() -> NoReturn:
    """Runs the command line of this process and ends it with the right code."""
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        _end(REFUSED, _usage(error))
    except Failed as error:
        _end(BROKEN, str(error))
    except ImpastoError as error:
        _end(REFUSED, str(error))
    except (KeyboardInterrupt, Abort):
        _end(INTERRUPTED, "stopped")
    except BrokenPipeError:
        _end_quietly()
    except OSError as error:
        _end(BROKEN, str(error))
    if code == INTERRUPTED:  # Typer turns the interrupt into this
        _end(INTERRUPTED, "stopped")
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: TyperException) -> str:
    """Typer's own refusals in the form of ours, where they are about a value."""
    name = getattr(getattr(error, "param", None), "name", None)
    return f"{name}: {error.message}" if name and error.message else error.format_message()


def _end(code: int, message: str) -> NoReturn:
    if message:  # a group without a command has printed its help instead
        print(f"impasto: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


def _end_quietly() -> NoReturn:
    """Whoever read our output has gone: nothing is left to say, nor to be flushed when Python ends."""
    sys.stdout = None
    sys.exit(BROKEN)
