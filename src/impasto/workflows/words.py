"""Words as people write them, with {red|blue} and __wildcards__, to the words of one picture."""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from impasto.core import Invalid, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

MAX_WORDS_CHARS = 2000
MAX_NESTING = 8
"""braces within braces; the parser's time grows steeply with them"""

_TEMPLATE = re.compile(r"\{|__.+?__")
_LITERALS = re.compile(r"#|%(?!\{)|(?<!\$)\$(?![${])")
"""signs the parser keeps for comments and commands of its own, where they are plainly not meant as such"""
_SHIELD = {"#": "\ue000", "%": "\ue001", "$": "\ue002"}
_UNSHIELD = str.maketrans({shield: sign for sign, shield in _SHIELD.items()})


def check(words: str, field: str = "words", *, may_be_empty: bool = False) -> str:
    """The words without the space around them. Raises Invalid if they are empty, too long, or no plain text."""
    words = words.strip()
    if not words and not may_be_empty:
        raise Invalid(field, "must not be empty")
    if len(words) > MAX_WORDS_CHARS:
        raise Invalid(field, f"must be at most {MAX_WORDS_CHARS} characters, not {len(words)}")
    for character in words:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t":
            raise Invalid(field, f"must be plain text without the control character U+{ord(character):04X}")
    return words


def expander(template: str, wildcards: Path | None) -> Callable[[int], str]:
    """Reads a template once and returns a function from a picture's seed to its words: the same seed, the same words.

    `wildcards` is a folder of text files, one choice a line. Raises Invalid for syntax that cannot be read, Unknown
    for a wildcard that has no file, both also from the function, as choices may hold further templates.
    """
    template = check(template)
    if not _TEMPLATE.search(template):
        return lambda seed: template
    _check_nesting(template)
    sample = _sampler(template, wildcards)
    return lambda seed: check(sample(seed))


def _check_nesting(template: str) -> None:
    depth = 0
    for sign in template:
        depth += (sign == "{") - (sign == "}")
        if depth > MAX_NESTING:
            raise Invalid("words", f"braces may stand at most {MAX_NESTING} deep")


def _sampler(template: str, folder: Path | None) -> Callable[[int], str]:
    from dynamicprompts.enums import SamplingMethod
    from dynamicprompts.parser.parse import parse
    from dynamicprompts.sampling_context import SamplingContext
    from pyparsing import ParseBaseException

    logging.getLogger("dynamicprompts").addHandler(logging.NullHandler())  # its notes are for its own users
    wildcards = _manager(folder)

    def guarded(work: Callable[[], T]) -> T:
        try:
            with warnings.catch_warnings(action="ignore"):
                return work()
        except ParseBaseException as error:
            raise Invalid("words", f"cannot read {template!r} near character {error.loc + 1}: {_HINT}") from error
        except (KeyError, ValueError, RecursionError, StopIteration) as error:
            raise Invalid("words", f"cannot read {template!r}: {_reason(error)}") from error

    command = guarded(lambda: parse(_shielded(template)))

    def sample(seed: int) -> str:
        context = SamplingContext(
            default_sampling_method=SamplingMethod.RANDOM, wildcard_manager=wildcards, rand=Random(seed)
        )
        drawn = guarded(lambda: str(next(iter(context.sample_prompts(command, 1)))))
        return drawn.translate(_UNSHIELD)

    return sample


_HINT = "choices are {red|blue}, wildcards are __name__"


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it refers to itself"
    return str(error.args[0]) if error.args else _HINT


def _shielded(text: str) -> str:
    return _LITERALS.sub(lambda found: _SHIELD[found.group()], text)


def _manager(folder: Path | None) -> Any:
    from dynamicprompts.wildcards import WildcardManager
    from dynamicprompts.wildcards.item import WildcardItem
    from dynamicprompts.wildcards.values import WildcardValues

    if folder is not None and not folder.is_dir():
        raise Invalid("IMPASTO_WILDCARDS_FOLDER", f"there is no folder {folder}")

    class Wildcards(WildcardManager):
        """Says no to a wildcard without a file, where the library would leave it in the words."""

        def get_values(self, wildcard: str) -> WildcardValues:
            values = super().get_values(wildcard)
            if not len(values):
                _unknown(wildcard, folder, self.get_collection_names())
            return WildcardValues.from_items(
                WildcardItem(_shielded(str(item)), getattr(item, "weight", 1.0)) for item in values.items
            )

    return Wildcards(folder)


def _unknown(wildcard: str, folder: Path | None, known: set[str]) -> None:
    name = wildcard.strip("_")
    if folder is None:
        raise Invalid("words", f"there is no wildcard __{name}__: set IMPASTO_WILDCARDS_FOLDER to a folder of them")
    if not known:
        raise Invalid("words", f"there is no wildcard __{name}__: {folder} holds no text files")
    raise Unknown("words", f"__{name}__", [f"__{one}__" for one in known])
