from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto.pictures.names import MAX_SLUG_BYTES, MAX_SLUG_CHARS, slug, stem


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("a red fox", "a-red-fox"),
        ("A Red, (fox:1.3)!", "a-red-fox"),
        ("red & blue/green\\..", "red-blue-green"),
        ("ein großer Bär", "ein-großer-bär"),
        ("赤い狐", "赤い狐"),
        ("हिन्दी लोमड़ी", "हिन्दी-लोमड़ी"),
        ("...", "picture"),
        ("🦊", "picture"),
        ("word " * 40, "-".join(["word"] * 12)),
        ("x" * 200, "x" * 60),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_slug(words: str, name: str) -> None:
    assert slug(words) == name


def test_stem_ends_in_the_seed() -> None:
    assert stem("a red fox", 7) == "a-red-fox-7"


@given(st.text(max_size=300))
def test_any_words_make_a_name_that_file_systems_take(words: str) -> None:
    name = slug(words)
    assert 0 < len(name) <= MAX_SLUG_CHARS
    assert len(name.encode()) <= MAX_SLUG_BYTES
    assert not set(name) & set('/\\:*?"<>|. \n\t\0')
    assert not name.startswith("-")
