"""CLIP as a reader of words (Radford et al. 2021): tokens in pieces of 75, and how much each of them counts.

Words longer than a piece are read piece by piece and what they became is laid end to end. A word's weight moves what it
became along the line from saying nothing at its place: 1 is the word, 0 is nothing, 1.2 a fifth beyond the word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from impasto.core import Damaged, Invalid
from impasto.engine import words

if TYPE_CHECKING:
    from numpy import ndarray
    from tokenizers import Tokenizer

    from impasto.ports import Runtime

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 49152 - 256 - 2
"""how many merges of the list CLIP was taught with"""
SPLIT = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
"""what CLIP's own tokenizer takes for a word"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A tokenizer and the net behind it: tokens (pieces, length + 2) -> hidden (pieces, length + 2, width) and pooled
    (pieces, width).
    """

    tokenizer: Tokenizer
    net: Runtime
    marks: tuple[int, int, int]
    """the tokens that start and end what is said, and the one that fills what is left"""
    length: int = 75
    """tokens a piece, without its start and its end"""

    def encode(self, text: str) -> dict[str, ndarray]:
        """Words with weights in brackets -> hidden (1, pieces * (length + 2), width) and pooled (1, width), which is of
        the first piece and knows no weights.
        """
        tokens, weights = self.pieces(text)
        answer = self.net.run({"tokens": tokens})
        hidden = answer["hidden"]
        if (weights != 1).any():
            nothing = self.net.run({"tokens": self.pieces("")[0]})["hidden"]
            hidden = hidden + (hidden - nothing) * (weights[..., None] - 1)
        return {"hidden": hidden.reshape(1, -1, hidden.shape[-1]), "pooled": answer["pooled"][:1]}

    def pieces(self, text: str) -> tuple[ndarray, ndarray]:
        """Words -> tokens (pieces, length + 2) int64, each piece between start and end, and their weights, float32."""
        spans = words.parse(text)
        encoding = self.tokenizer.encode(words.plain(spans), add_special_tokens=False)
        said, counts = encoding.ids, words.token_weights(spans, encoding.offsets)
        pieces = max(1, -(-len(said) // self.length))
        start, stop, fill = self.marks
        tokens = np.full((pieces, self.length + 2), fill, np.int64)
        weights = np.ones(tokens.shape, np.float32)
        tokens[:, 0] = start
        for piece in range(pieces):
            part = slice(piece * self.length, (piece + 1) * self.length)
            end = 1 + len(said[part])
            tokens[piece, 1:end], weights[piece, 1:end] = said[part], counts[part]
            tokens[piece, end] = stop
        return tokens, weights


def tokenizer_of(folder: Path) -> tuple[Tokenizer, tuple[int, int, int]]:
    """A tokenizer's folder as diffusers keeps it -> the tokenizer and its marks (see Clip). Raises Damaged."""
    tokenizer = read_tokenizer(folder)

    def mark(token: str) -> int:
        found = tokenizer.token_to_id(token)
        if found is None:
            raise Damaged(f"{folder}: has no token {token!r}, so it is not CLIP's")
        return found

    return tokenizer, (mark(START), mark(END), mark(_pad(folder)))


def read_tokenizer(folder: Path) -> Tokenizer:
    """`tokenizer.json`, or `vocab.json` and `merges.txt` of CLIP's, that neither cuts nor pads. Raises Damaged."""
    from tokenizers import Tokenizer

    try:
        if (folder / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            tokenizer = bpe(json.loads((folder / "vocab.json").read_text("utf-8")), merges(folder / "merges.txt"))
    except Exception as error:  # the library raises nothing narrower
        raise Damaged(f"{folder}: is no tokenizer: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def bpe(vocabulary: dict[str, int], pairs: list[tuple[str, str]]) -> Tokenizer:
    """CLIP's tokenizer of these tokens and merges."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    model = models.BPE(vocab=vocabulary, merges=pairs, end_of_word_suffix="</w>", unk_token=END)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens([START, END])
    return tokenizer


def merges(path: Path) -> list[tuple[str, str]]:
    """The pairs of a `merges.txt`, the first line of which tells its version."""
    lines = path.read_text("utf-8").splitlines()
    return [(first, second) for first, _, second in (line.partition(" ") for line in lines[1:] if line.strip())]


def write_vocabulary(folder: Path, *, fill: str | None) -> None:
    """A tokenizer's folder with the tokens that all CLIPs share, from open-clip-torch, which carries them.

    `fill` is the token after the end of what is said, if it is not the end itself. Raises Invalid if the package is not
    installed.
    """
    import gzip
    from importlib.util import find_spec

    found = find_spec("open_clip")
    if found is None or found.origin is None:
        raise Invalid("model", 'needs open-clip-torch: pip install "impasto[torch]"')
    packed = Path(found.origin).with_name("bpe_simple_vocab_16e6.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode().split("\n")[1 : MERGES + 1]
    letters = _letters()
    tokens = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        *(line.replace(" ", "") for line in lines),
        START,
        END,
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({token: place for place, token in enumerate(tokens)}), "utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]) + "\n", "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": fill or END}), "utf-8")


def _letters() -> list[str]:
    """The letter that stands for each byte: first those that can be printed, for themselves; then others."""
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(byte) for byte in printed] + [chr(0x100 + place) for place in range(0x100 - len(printed))]


def _pad(folder: Path) -> str:
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            token = json.loads((folder / name).read_text("utf-8")).get("pad_token")
            if token is not None:
                return token["content"] if isinstance(token, dict) else str(token)
    return END
