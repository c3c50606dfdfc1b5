from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from impasto.accounts.limits import Limiter
from impasto.accounts.people import People
from impasto.core import Busy, Caller, Clash, Forbidden, Invalid, NotFound, NotSignedIn
from impasto.ledger import book
from impasto.ledger.validate import validate

if TYPE_CHECKING:
    from impasto.storage.database import Database

    from .conftest import Clock

PASSWORD = "a quite good one"


def signed_in(people: People, email: str = "ann@example.org") -> Caller:
    people.sign_up(email, PASSWORD)
    return people.sign_in(email, PASSWORD, source="here").caller


def test_the_first_is_the_owner_and_each_is_welcomed_once(people: People, database: Database) -> None:
    ann, bob = people.sign_up("Ann@Example.org ", PASSWORD), people.sign_up("bob@example.org", PASSWORD)
    assert (ann.email, ann.role, bob.role) == ("ann@example.org", "owner", "member")
    with database.read() as session:
        assert book.balance(session, bob.id).available_micros == 100_000_000
        assert validate(session) == []
    with pytest.raises(Clash, match="email"):
        people.sign_up("ANN@example.org", PASSWORD)


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "@example.org", "a b@example.org", "ann@x..y", "a" * 250 + "@x.org"]
)
def test_an_address_must_be_one(people: People, email: str) -> None:
    with pytest.raises(Invalid, match="email"):
        people.sign_up(email, PASSWORD)


@pytest.mark.parametrize("password", ["short", "password123", "aaaaaaaaaaaa", "ann@example.org", "x" * 1025])
def test_a_password_must_be_good(people: People, password: str) -> None:
    with pytest.raises(Invalid, match="password"):
        people.sign_up("ann@example.org", password)


def test_nothing_that_opens_a_door_is_kept(people: People, database: Database) -> None:
    caller = signed_in(people)
    key = people.new_key(caller, "script", ["draw"])
    token = people.sign_in("ann@example.org", PASSWORD, source="here").token
    with database.read() as session:
        kept = "".join(
            str(row)
            for table in ("people", "sessions", "keys")
            for row in session.execute(text(f"SELECT * FROM {table}"))
        )
    assert "$argon2id$" in kept
    assert not [secret for secret in (PASSWORD, key.secret, token) if secret in kept]


def test_wrong_address_and_wrong_password_look_the_same(people: People) -> None:
    people.sign_up("ann@example.org", PASSWORD)
    said = set()
    for email, password in (("ann@example.org", "wrong one here"), ("eve@example.org", PASSWORD)):
        with pytest.raises(NotSignedIn) as refused:
            people.sign_in(email, password, source="here")
        said.add(str(refused.value))
    assert len(said) == 1


def test_sessions_end(people: People, clock: Clock) -> None:
    people.sign_up("ann@example.org", PASSWORD)
    first, second = (people.sign_in("ann@example.org", PASSWORD, source="here") for _ in range(2))
    people.sign_out(first.token)
    with pytest.raises(NotSignedIn):
        people.session(first.token)
    assert people.session(second.token).csrf == second.csrf
    clock.passes(days=31)
    with pytest.raises(NotSignedIn):
        people.session(second.token)


def test_a_new_password_ends_every_session(people: People) -> None:
    caller = signed_in(people)
    token = people.sign_in("ann@example.org", PASSWORD, source="here").token
    with pytest.raises(NotSignedIn):
        people.change_password(caller, "not the old one", "another good one")
    people.change_password(caller, PASSWORD, "another good one")
    with pytest.raises(NotSignedIn):
        people.session(token)
    assert people.sign_in("ann@example.org", "another good one", source="here")


def test_keys_allow_what_they_say_and_can_be_revoked(people: People, clock: Clock) -> None:
    people.sign_up("owner@example.org", PASSWORD)
    caller = signed_in(people)
    key = people.new_key(caller, "script", ["read"])
    found = people.caller_of_key(key.secret)
    assert found.account == caller.account
    with pytest.raises(Forbidden, match="draw"):
        found.must("draw")
    assert people.keys(caller)[0].used_at == clock.now()
    assert people.keys(caller)[0].secret == ""
    people.revoke(caller, key.id)
    with pytest.raises(NotSignedIn):
        people.caller_of_key(key.secret)


def test_nobody_gives_more_than_they_have(people: People) -> None:
    people.sign_up("owner@example.org", PASSWORD)
    caller = signed_in(people)
    with pytest.raises(Forbidden, match="admin"):
        people.new_key(caller, "more", ["draw", "admin"])
    with pytest.raises(Invalid, match="scopes"):
        people.new_key(caller, "none", [])
    with pytest.raises(Invalid, match="scopes"):
        people.new_key(caller, "unknown", ["fly"])
    key = people.new_key(caller, "mine", ["draw"])
    with pytest.raises(NotFound):
        people.revoke(signed_in(people, "eve@example.org"), key.id)


def test_only_an_owner_makes_operators_and_one_stays(people: People) -> None:
    owner = signed_in(people, "owner@example.org")
    bob = people.sign_up("bob@example.org", PASSWORD)
    assert people.set_role(owner, bob.id, "admin").role == "admin"
    admin = people.sign_in("bob@example.org", PASSWORD, source="here").caller
    with pytest.raises(Forbidden):
        people.set_role(admin, owner.account, "member")
    with pytest.raises(Clash, match="last owner"):
        people.set_role(owner, owner.account, "member")
    with pytest.raises(Invalid, match="role"):
        people.set_role(owner, bob.id, "king")


def test_guessing_is_slowed(database: Database, clock: Clock) -> None:
    times = iter(range(100))
    people = People(
        database, clock, welcome_micros=0, tries=Limiter(clock=lambda: next(times) * 0.1, limit=5, window_s=60)
    )
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            people.sign_in("ann@example.org", "guess after guess", source="there")
    with pytest.raises(Busy):
        people.sign_in("ann@example.org", "guess after guess", source="there")
