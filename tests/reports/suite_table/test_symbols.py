import pytest

from reports.number_format import format_number
from reports.suite_table.symbols import SIGNS, WORDS, parse_state


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.516, ".516"), (-0.033, "-.033"), (1.0, "1.000"), (0.0, ".000"), (-0.0001, ".000"), (-1.27, "-1.270")],
)
def test_numbers_are_written_as_the_papers_write_them(value: float, text: str) -> None:
    assert format_number(value) == text


def test_no_two_things_look_alike() -> None:
    texts = [sign for sign, _ in SIGNS.values()] + [word for word, _ in WORDS.values()] + ["·", "±"]
    assert len(set(texts)) == len(texts)


def test_a_state_may_carry_its_reason() -> None:
    assert parse_state("not built") == ("not built", "")
    assert parse_state("failed: step 3: not finite") == ("failed", "step 3: not finite")


def test_a_state_that_tables_do_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown row state 'lost'; a state is one of .*not run"):
        parse_state("lost")
