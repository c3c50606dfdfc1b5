"""People: they sign up, sign in, and give keys to their programs. Whatever opens a door is kept as a hash."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast, get_args

from sqlalchemy import delete, func, select

from impasto.accounts import passwords
from impasto.core import Caller, Clash, Forbidden, Invalid, NotFound, NotSignedIn, Role
from impasto.ledger import book
from impasto.storage.tables.people import KeyRow, PersonRow, SessionRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from impasto.accounts.limits import Limiter
    from impasto.ports import Clock
    from impasto.storage.database import Database

SESSION_LASTS = timedelta(days=30)
KEY_PREFIX = "imp_"
SCOPES = frozenset({"draw", "read", "account", "admin"})
OPERATORS = ("owner", "admin")
MOST_KEYS = 100
LOOKED_AT_EVERY = timedelta(minutes=1)
"""a key's last use is written down at most so often"""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    email: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session. `token` is what the browser keeps; only its hash is kept here, so it is known only when it is made."""

    caller: Caller
    csrf: str
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A program's key. `secret` is known only when it is made."""

    id: str
    name: str
    ending: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    secret: str = ""


class People:
    """`tries` slows down who guesses passwords, by address."""

    def __init__(self, database: Database, clock: Clock, *, welcome_micros: int, tries: Limiter | None = None) -> None:
        self._database, self._clock, self._welcome_micros, self._tries = database, clock, welcome_micros, tries

    def sign_up(self, email: str, password: str, *, role: Role | None = None) -> Person:
        """A new person with the welcome credits; the first one owns the house. Raises Invalid, Clash."""
        email = address(email)
        kept = passwords.hashed(passwords.check(password, email))
        with self._database.session() as session:
            if session.scalar(select(PersonRow.id).where(PersonRow.email == email)) is not None:
                raise Clash("email", "has an account already")
            first = session.scalar(select(func.count()).select_from(PersonRow)) == 0
            now = self._clock.now()
            row = PersonRow(
                id=secrets.token_hex(16),
                email=email,
                password=kept,
                role=role or ("owner" if first else "member"),
                created_at=now,
            )
            session.add(row)
            if self._welcome_micros:
                book.grant(
                    session, row.id, self._welcome_micros, key=f"welcome:{row.id}", reason="welcome", by="", at=now
                )
        return _person(row)

    def sign_in(self, email: str, password: str, *, source: str) -> SignedIn:
        """A new session. `source` is the address it is tried from. Raises NotSignedIn, the same whether the address
        or the password is wrong; Busy for who tries too often."""
        if self._tries is not None:
            self._tries.take(f"from {source}")
            self._tries.take(f"for {email.strip().lower()[:254]}")
        with self._database.read() as session:
            row = session.scalar(select(PersonRow).where(PersonRow.email == _comparable(email)))
        if not passwords.fits(row.password if row else None, password) or row is None:
            raise NotSignedIn("the address or the password is not right")
        token, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), self._clock.now()
        with self._database.session() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
            kept = SessionRow(
                token=_hash(token), person_id=row.id, csrf=csrf, created_at=now, expires_at=now + SESSION_LASTS
            )
            session.add(kept)
        return SignedIn(caller=_caller(row), csrf=csrf, token=token)

    def session(self, token: str) -> SignedIn:
        """Raises NotSignedIn for one that has expired, was ended, or never was."""
        query = (
            select(SessionRow, PersonRow)
            .join(PersonRow, PersonRow.id == SessionRow.person_id)
            .where(SessionRow.token == _hash(token), SessionRow.expires_at > self._clock.now())
        )
        with self._database.read() as session:
            found = session.execute(query).first()
        if found is None:
            raise NotSignedIn("the session has ended; sign in again")
        return SignedIn(caller=_caller(found[1]), csrf=found[0].csrf)

    def sign_out(self, token: str) -> None:
        with self._database.session() as session:
            session.execute(delete(SessionRow).where(SessionRow.token == _hash(token)))

    def change_password(self, caller: Caller, old: str, new: str) -> None:
        """All sessions end. Raises NotSignedIn if `old` is wrong, Invalid if `new` is too simple."""
        caller.must("account")
        person = self.find(caller.account)
        with self._database.read() as session:
            kept = session.get_one(PersonRow, person.id).password
        if not passwords.fits(kept, old):
            raise NotSignedIn("the old password is not right")
        replaced = passwords.hashed(passwords.check(new, person.email))
        with self._database.session() as session:
            session.get_one(PersonRow, person.id).password = replaced
            session.execute(delete(SessionRow).where(SessionRow.person_id == person.id))

    def caller_of_key(self, secret: str) -> Caller:
        """Raises NotSignedIn."""
        with self._database.read() as session:
            query = select(KeyRow, PersonRow).join(PersonRow, PersonRow.id == KeyRow.person_id)
            found = session.execute(query.where(KeyRow.secret == _hash(secret))).first()
        if found is None:
            raise NotSignedIn("the key is not good")
        key, person = found
        now = self._clock.now()
        if key.used_at is None or now - key.used_at >= LOOKED_AT_EVERY:
            with self._database.session() as session:
                if (row := session.get(KeyRow, key.id)) is not None:
                    row.used_at = now
        return _caller(person, frozenset(key.scopes.split()))

    def new_key(self, caller: Caller, name: str, scopes: Sequence[str]) -> Key:
        """The key is shown this once. Raises Invalid; Forbidden for what the caller may not do themselves."""
        caller.must("account")
        name = " ".join(name.split())
        if not 1 <= len(name) <= 100:
            raise Invalid("name", "must have 1 to 100 characters")
        asked = sorted(set(scopes))
        if not asked or not set(asked) <= SCOPES:
            raise Invalid("scopes", f"must be some of {', '.join(sorted(SCOPES))}")
        for scope in asked:
            caller.must(scope)
        secret = KEY_PREFIX + secrets.token_urlsafe(32)
        with self._database.session() as session:
            count = session.scalar(select(func.count()).where(KeyRow.person_id == caller.account)) or 0
            if count >= MOST_KEYS:
                raise Invalid("name", f"there are {MOST_KEYS} keys already; revoke one first")
            row = KeyRow(
                id=secrets.token_hex(16),
                person_id=caller.account,
                name=name,
                secret=_hash(secret),
                ending=secret[-4:],
                scopes=" ".join(asked),
                created_at=self._clock.now(),
            )
            session.add(row)
        return _key(row, secret)

    def keys(self, caller: Caller) -> list[Key]:
        caller.must("account")
        with self._database.read() as session:
            query = select(KeyRow).where(KeyRow.person_id == caller.account).order_by(KeyRow.created_at, KeyRow.id)
            return [_key(row) for row in session.scalars(query)]

    def revoke(self, caller: Caller, key_id: str) -> None:
        caller.must("account")
        with self._database.session() as session:
            row = session.get(KeyRow, key_id)
            if row is None or row.person_id != caller.account:
                raise NotFound("key", key_id)
            session.delete(row)

    def find(self, person_id: str) -> Person:
        with self._database.read() as session:
            if (row := session.get(PersonRow, person_id)) is None:
                raise NotFound("account", person_id)
            return _person(row)

    def find_email(self, email: str) -> Person:
        with self._database.read() as session:
            row = session.scalar(select(PersonRow).where(PersonRow.email == _comparable(email)))
        if row is None:
            raise NotFound("account", email)
        return _person(row)

    def all(self, *, before: str | None = None, limit: int = 100) -> list[Person]:
        """By address, from after `before`."""
        query = select(PersonRow).order_by(PersonRow.email).limit(limit)
        if before is not None:
            query = query.where(PersonRow.email > before)
        with self._database.read() as session:
            return [_person(row) for row in session.scalars(query)]

    def set_role(self, caller: Caller, person_id: str, role: str) -> Person:
        """Only an owner makes owners and admins, and the last owner stays one. Raises Invalid, Forbidden, NotFound."""
        if role not in get_args(Role):
            raise Invalid("role", f"must be one of {', '.join(get_args(Role))}")
        with self._database.session() as session:
            row = session.get(PersonRow, person_id)
            if row is None:
                raise NotFound("account", person_id)
            if caller.role != "owner" and (row.role in OPERATORS or role in OPERATORS):
                raise Forbidden("only an owner may do this")
            if row.role == "owner" and role != "owner" and self._owners(session) == 1:
                raise Clash("role", "the last owner must stay one")
            row.role = role
        return _person(row)

    def _owners(self, session: Session) -> int:
        return session.scalar(select(func.count()).where(PersonRow.role == "owner")) or 0


def address(email: str) -> str:
    """An e-mail address as it is compared. Raises Invalid for what cannot be one."""
    found = _comparable(email)
    if len(found) > 254 or not _EMAIL.fullmatch(found) or not found.isprintable():
        raise Invalid("email", "must be an e-mail address, such as ann@example.org")
    return found


def _comparable(email: str) -> str:
    return unicodedata.normalize("NFKC", email).strip().lower()


def _hash(secret: str) -> str:
    """Of 256 random bits nothing slow is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _caller(row: PersonRow, scopes: frozenset[str] = SCOPES) -> Caller:
    role = cast("Role", row.role)
    allowed = scopes if role in OPERATORS else scopes - {"admin"}
    return Caller(account=row.id, name=row.email, role=role, scopes=allowed)


def _person(row: PersonRow) -> Person:
    return Person(id=row.id, email=row.email, role=cast("Role", row.role), created_at=row.created_at)


def _key(row: KeyRow, secret: str = "") -> Key:
    return Key(
        id=row.id,
        name=row.name,
        ending=row.ending,
        scopes=tuple(row.scopes.split()),
        created_at=row.created_at,
        used_at=row.used_at,
        secret=secret,
    )
