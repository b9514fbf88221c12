"""Totals of large lists are remembered for a while, those of others never."""

from gatehouse.storage.totals import KEPT_MS, MANY, MAX_KEPT, Totals


class Counting:
    """A count that is told what there is."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.total


def test_a_large_total_is_counted_again_when_it_is_old() -> None:
    totals, count = Totals(), Counting(MANY)
    assert totals.get("users", 0, count) == MANY
    count.total += 1
    assert totals.get("users", KEPT_MS - 1, count) == MANY
    assert totals.get("users", KEPT_MS, count) == MANY + 1


def test_a_small_total_is_always_counted() -> None:
    totals, count = Totals(), Counting(MANY - 1)
    for now in range(3):
        totals.get("users", now, count)
    assert count.times == 3


def test_a_total_that_has_become_small_is_forgotten() -> None:
    totals, count = Totals(), Counting(MANY)
    totals.get("users", 0, count)
    count.total = 3
    assert totals.get("users", KEPT_MS, count) == 3
    count.total = 4
    assert totals.get("users", KEPT_MS + 1, count) == 4


def test_no_more_is_remembered_than_fits() -> None:
    totals = Totals()
    for number in range(3 * MAX_KEPT):
        totals.get(number, 0, Counting(MANY))
    assert len(totals._kept) <= MAX_KEPT
