"""Passwords: what is good enough, and how they are kept (argon2id, RFC 9106, by the library's recommended costs)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from impasto.core import Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_CHARS, MOST_CHARS = 10, 1024
COMMON = frozenset(
    word
    for line in (
        "1234567890 0123456789 9876543210 0987654321 12345678910 123456789a a123456789 1q2w3e4r5t qwertyuiop",
        "asdfghjkl1 qwerty1234 1234qwerty qwerty12345 password12 password123 password1234 passw0rd12",
        "passwordpassword iloveyou12 letmein123 welcome123 administrator changeme12 changemeplease abcdefghij",
        "abcdefghijk football12 baseball12 sunshine12 princess12 superman12 trustno1234 impasto123 impastoimpasto",
    )
    for word in line.split()
)


def check(password: str, email: str) -> str:
    """Raises Invalid for one that is short, common, or the address itself."""
    if not LEAST_CHARS <= len(password) <= MOST_CHARS:
        raise Invalid("password", f"must have {LEAST_CHARS} to {MOST_CHARS} characters")
    lower = password.lower()
    if lower in COMMON or lower == email or lower == email.partition("@")[0] or len(set(lower)) < 4:
        raise Invalid("password", "is one of the first that anyone would try")
    return password


@cache
def hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


def hashed(password: str) -> str:
    return hasher().hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Takes as long where there is no such person (`kept` None), so that the time does not tell."""
    from argon2.exceptions import VerificationError

    try:
        hasher().verify(kept or _nobodys(), password)
    except VerificationError:
        return False
    return kept is not None


@cache
def _nobodys() -> str:
    return hashed("nobody has this password")
