"""Literal inputs, exact outputs."""

import hashlib
from pathlib import Path

import pytest

from eval.cases import Place
from eval.metrics import (
    all_facts_covered,
    auroc,
    balanced_accuracy,
    bootstrap_interval,
    calibration_error,
    fact_recall,
    facts_supported,
    first_quote_right,
    first_rank,
    is_match,
    is_verbatim,
    mean,
    mrr,
    normalise,
    percentile,
    quote_precision,
    recall_at_k,
    short_right,
)
from rag.schema import Citation

GOLD = ((Place("a.txt", 0, 100),), (Place("a.txt", 200, 300), Place("b.txt", 0, 50)))
FIRST, SECOND, NEITHER = Place("a.txt", 0, 100), Place("b.txt", 0, 50), Place("c.txt", 0, 100)


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        (Place("a.txt", 0, 100), True),
        (Place("a.txt", 50, 150), True),  # 50 of 100 characters
        (Place("a.txt", 51, 151), False),
        (Place("a.txt", 90, 110), True),  # half of the shorter one
        (Place("a.txt", 0, 1_000), True),  # a paragraph around it
        (Place("a.txt", 100, 200), False),
        (Place("b.txt", 0, 100), False),
        (Place("a.txt", 50, 50), False),
    ],
)
def test_a_quote_matches_where_it_shares_half_of_the_shorter_stretch(quote: Place, expected: bool) -> None:
    assert is_match(quote, Place("a.txt", 0, 100)) is expected
    assert is_match(Place("a.txt", 0, 100), quote) is expected


def test_a_quote_can_state_several_facts() -> None:
    assert facts_supported(Place("a.txt", 0, 300), GOLD) == (0, 1)
    assert facts_supported(SECOND, GOLD) == (1,)
    assert facts_supported(NEITHER, GOLD) == ()


def test_only_the_first_quote_decides_first_quote_right() -> None:
    assert first_quote_right([SECOND, NEITHER], GOLD) is True
    assert first_quote_right([NEITHER, SECOND], GOLD) is False
    assert first_quote_right([], GOLD) is False
    assert first_quote_right([NEITHER], ()) is None


def test_facts_are_covered_by_any_of_their_alternatives() -> None:
    assert fact_recall([FIRST, SECOND], GOLD) == 1.0
    assert fact_recall([FIRST, FIRST, NEITHER], GOLD) == 0.5
    assert fact_recall([], GOLD) == 0.0
    assert fact_recall([FIRST], ()) is None
    assert all_facts_covered([SECOND, NEITHER, FIRST], GOLD) is True
    assert all_facts_covered([SECOND], GOLD) is False
    assert all_facts_covered([], ()) is None


def test_quote_precision_is_the_share_of_quotes_that_state_a_fact() -> None:
    assert quote_precision([FIRST, NEITHER, NEITHER, SECOND], GOLD) == 0.5
    assert quote_precision([], GOLD) is None
    assert quote_precision([FIRST], ()) is None


def test_ranks_start_at_one() -> None:
    assert first_rank([NEITHER, SECOND, FIRST], GOLD) == 2
    assert first_rank([NEITHER], GOLD) is None
    assert first_rank([], GOLD) is None


def citation(text: str, start: int, end: int, quote: str) -> Citation:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Citation(1, "a.txt", "", "", "", "", quote, start, end, digest)


def test_a_citation_is_verbatim_only_while_the_file_holds_its_words_at_its_offsets(tmp_path: Path) -> None:
    text = "İlk söz.\r\nEy Vətən!"
    (tmp_path / "a.txt").write_bytes(text.encode())
    assert is_verbatim(citation(text, 10, 19, "Ey Vətən!"), tmp_path)
    assert not is_verbatim(citation(text, 11, 19, "Ey Vətən!"), tmp_path)
    assert not is_verbatim(citation(text, 10, 19, "Ey Veten!"), tmp_path)
    assert not is_verbatim(citation("other", 10, 19, "Ey Vətən!"), tmp_path)
    assert not is_verbatim(citation(text, -9, len(text), "Ey Vətən!"), tmp_path)
    assert not is_verbatim(citation(text, 10, 10, ""), tmp_path)
    assert not is_verbatim(citation(text, 10, 19, "Ey Vətən!"), tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("given", "expected", "right"),
    [
        ("245", "245", True),
        ("around 245 Azerbaijani companies", "245", True),
        ("1245", "245", False),
        ("$1.3 billion", "almost $1.3 billion", True),
        ("$20 billion", "$20bn", True),
        ("$2 billion", "$20bn", False),
        ("378000 tonnes", "378,000 tonnes", True),
        ("September 2023", "September\u00a02023", True),
        ("“homeland”", "‘Homeland!’", True),
        ("20.7%", "20.7", True),
        ("Aliyev", "Ilham Aliyev", False),
        ("terrorism", "terrorism, extremism, and separatism", False),
        ("one two three four five six", "six", True),
        ("one two three four five six seven", "seven", False),
        ("", "245", False),
        (None, "245", False),
        (None, None, None),
        ("245", None, None),
    ],
)
def test_a_short_answer_is_right_when_it_holds_the_expected_words(
    given: str | None, expected: str | None, right: bool | None
) -> None:
    assert short_right(given, expected) is right


def test_normalised_words() -> None:
    assert normalise("Almost $1,234.5bn — the ‘Ey Vətən!’") == ["$", "1234.5", "billion", "ey", "vətən"]


def test_the_mean_skips_what_was_not_measured() -> None:
    assert mean([True, None, False]) == 0.5
    assert mean([None]) is None
    assert mean([]) is None


def test_balanced_accuracy_weighs_both_kinds_alike() -> None:
    assert balanced_accuracy([True, True, True, True, False], [True, True, True, False, False]) == 0.875
    assert balanced_accuracy([True, True], [True, False]) is None


def test_auroc_counts_pairs_and_halves_ties() -> None:
    assert auroc([True, True, False, False], [0.9, 0.8, 0.2, 0.1]) == 1.0
    assert auroc([True, True, False, False], [0.9, 0.1, 0.5, 0.2]) == 0.5
    assert auroc([True, False], [0.5, 0.5]) == 0.5
    assert auroc([True, False, False, False], [0.4, 0.5, 0.4, 0.1]) == 0.5
    assert auroc([True], [0.5]) is None


def test_calibration_error_sums_the_gaps_of_ten_bins_of_equal_width() -> None:
    assert calibration_error([True, True, False, False], [1.0, 1.0, 0.0, 0.0]) == 0.0
    assert calibration_error([False, True], [1.0, 0.0]) == 1.0
    assert calibration_error([True, False, True, True], [0.75, 0.75, 0.25, 0.25]) == pytest.approx(0.5)
    assert calibration_error([True, False], [0.5, 0.5]) == 0.0
    assert calibration_error([], []) is None


def test_recall_and_reciprocal_rank_stop_at_k() -> None:
    assert recall_at_k([1, 50, 51, None], 50) == 0.5
    assert recall_at_k([], 50) is None
    assert mrr([1, 2, 11, None], 10) == 0.375
    assert mrr([], 10) is None


def test_percentiles_interpolate() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 50) == 2.5
    assert percentile([1.0, 2.0], 95) == pytest.approx(1.95)
    assert percentile([], 50) is None


def test_the_bootstrap_interval_holds_the_mean_and_repeats_itself() -> None:
    values = [1.0] * 80 + [0.0] * 20
    interval = bootstrap_interval(values, mean)
    assert interval == bootstrap_interval(values, mean)
    assert interval == pytest.approx((0.72, 0.87), abs=0.02)
    assert bootstrap_interval([1.0, 1.0], mean) == (1.0, 1.0)
    assert bootstrap_interval([], mean) is None
    assert bootstrap_interval([None], mean) is None
