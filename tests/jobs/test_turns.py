"""Whose picture is next."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from impasto.jobs.turns import Turns

ACCOUNTS = ("ann", "bob", "cy", "dee")

asks = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), st.integers(1, 9), st.integers(-3, 3)), min_size=1, max_size=40
).map(lambda some: [(account, cost, priority, number) for number, (account, cost, priority) in enumerate(some)])


def filled(some: list[tuple[str, int, int, int]]) -> Turns[tuple[str, int, int, int]]:
    turns: Turns[tuple[str, int, int, int]] = Turns()
    for ask in some:
        turns.add(ask[0], ask, cost=ask[1], priority=ask[2])
    return turns


def taken(turns: Turns) -> list:
    """All of it."""
    return [turns.next() for _ in range(len(turns))]


@given(asks)
def test_everything_is_taken_once_in_the_order_that_was_foretold(some):
    turns = filled(some)
    foretold = list(turns.order())
    assert taken(turns) == foretold
    assert sorted(foretold) == sorted(some)
    assert turns.next() is None


@given(asks)
def test_within_an_account_priority_goes_first_then_arrival(some):
    order = taken(filled(some))
    for account in ACCOUNTS:
        own = [ask for ask in order if ask[0] == account]
        assert own == sorted(own, key=lambda ask: (-ask[2], ask[3]))


@given(st.lists(st.sampled_from(ACCOUNTS), max_size=60), st.sampled_from(ACCOUNTS))
def test_with_pictures_of_one_cost_nobody_waits_for_more_than_one_of_each_other(before, late):
    turns: Turns[tuple[str, int]] = Turns()
    for number, account in enumerate(before):
        turns.add(account, (account, number), cost=7.0)
    for _ in range(len(before) // 3):  # others were served before the late one came
        turns.next()
    ahead = sum(item[0] == late for item in turns.order())
    turns.add(late, (late, -1), cost=7.0)
    order = list(turns.order())
    others = [account for account, _ in order[: order.index((late, -1))] if account != late]
    assert all(number <= ahead + 1 for number in Counter(others).values())


@given(asks)
def test_between_two_pictures_of_an_account_another_begins_the_cost_of_the_first_and_one_more(some):
    order = taken(filled([(account, cost, 0, number) for account, cost, _, number in some]))
    last_cost: Counter[str] = Counter()
    begun: Counter[tuple[str, str]] = Counter()
    for at, (account, cost, _, _) in enumerate(order):
        for other in {ask[0] for ask in order[at:]} - {account}:
            assert begun[other, account] <= last_cost[other]
            begun[other, account] += cost
        last_cost[account] = cost
        for name in ACCOUNTS:
            begun[account, name] = 0


@given(asks, st.data())
def test_what_is_removed_is_not_taken_and_the_rest_keeps_its_order(some, data):
    turns = filled(some)
    gone = set(data.draw(st.lists(st.sampled_from(some))))
    order = [ask for ask in turns.order() if ask not in gone]
    assert set(turns.remove(gone)) == gone
    left = taken(turns)
    assert sorted(left) == sorted(order)
    for account in ACCOUNTS:
        assert [a for a in left if a[0] == account] == [a for a in order if a[0] == account]


def test_rest_is_not_saved_up():
    turns: Turns[str] = Turns()
    for number in range(10):
        turns.add("busy", f"busy {number}", cost=1)
    for _ in range(5):
        turns.next()
    for number in range(5):
        turns.add("rested", f"rested {number}", cost=1)
    order = taken(turns)
    assert [name.split()[0] for name in order[:4]] in (["busy", "rested"] * 2, ["rested", "busy"] * 2)


def test_one_accounts_thousand_do_not_hold_up_anothers_first():
    turns: Turns[str] = Turns()
    for number in range(1000):
        turns.add("ann", f"ann {number}", cost=5)
    turns.next()
    turns.add("bob", "bob", cost=5)
    assert list(turns.order()).index("bob") <= 1
