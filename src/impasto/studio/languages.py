"""The studio's languages: gettext catalogues, `languages/<code>.po`, read as they are."""

from __future__ import annotations

import ast
from functools import cache
from gettext import NullTranslations
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
FIRST = "en"
"""the language that the templates are written in"""


class Catalogue(NullTranslations):
    """Messages of one language; what it lacks is said in English."""

    def __init__(self, messages: dict[str, list[str]]) -> None:
        super().__init__()
        self.messages = messages

    def gettext(self, message: str) -> str:
        return (self.messages.get(message) or [message])[0] or message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        forms = self.messages.get(msgid1)
        if not forms or not all(forms):
            return msgid1 if n == 1 else msgid2
        return forms[0 if n == 1 or len(forms) == 1 else 1]


NAMES = {"en": "English", "zh": "中文"}
"""of the languages that the page offers, in themselves"""


def known() -> list[str]:
    return [FIRST, *sorted(path.stem for path in FOLDER.glob("*.po"))]


@cache
def catalogue(language: str) -> Catalogue:
    path = FOLDER / f"{language}.po"
    return Catalogue(parse(path.read_text(encoding="utf-8")) if path.is_file() else {})


def of_request(accepted: str, chosen: str = "") -> str:
    """The best language for a browser's Accept-Language (RFC 9110, 12.5.4), or the one that was chosen."""
    there = known()
    if chosen in there:
        return chosen
    wanted = []
    for place, part in enumerate(accepted.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, tag.lower()))
        except ValueError:
            continue
    for _, _, tag in sorted(wanted):
        if tag.partition("-")[0] in there:
            return tag.partition("-")[0]
    return FIRST


def parse(text: str) -> dict[str, list[str]]:
    """The messages of a catalogue in gettext's PO form, by msgid; plural forms in order."""
    messages: dict[str, list[str]] = {}
    strings: dict[str, str] = {}
    last = ""
    for line in [*text.splitlines(), ""]:
        line = line.strip()
        if line.startswith("msg"):
            last, _, quoted = line.partition(" ")
            if last == "msgid":
                _keep(messages, strings)
                strings = {}
            strings[last] = ast.literal_eval(quoted)
        elif line.startswith('"'):
            strings[last] += ast.literal_eval(line)
    _keep(messages, strings)
    return messages


def _keep(messages: dict[str, list[str]], strings: dict[str, str]) -> None:
    if strings.get("msgid"):
        messages[strings["msgid"]] = [value for key, value in sorted(strings.items()) if key.startswith("msgstr")]
