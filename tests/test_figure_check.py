"""The figures of a draft's own sentences: given by the articles, for the same year, in the same direction."""

import pytest

from rag.schema import Article, Span
from rag.verify import verify

TEXT = (
    "Title of the article\n\nTrade between both countries grew from $1.4 billion in 2021 to $3.1 billion in 2024.\n\n"
    "The turnover of trade in 2007 rose by 20.7 percent and amounted to $3.744 million. The presidents met in Astana "
    "on 4 July.\n\nTen companies applied. Exports of tea reached -5% then. Cargo volumes took 10 to 12 days and over "
    "43% of it came by rail."
)
ARTICLE = Article("a.txt", TEXT, "", "Title", "", "2023-07-11", "", (Span(0, len(TEXT)),))


def check(draft):
    return [(figure.figure, figure.status) for figure in verify(draft, [ARTICLE]).figures]


@pytest.mark.parametrize(
    "draft",
    [
        "Trade between both countries grew from $1.4bn in 2021 to $3.1bn in 2024.",
        "Between 2021 and 2024, trade between both countries grew from 1.4 to 3.1 billion dollars.",
        "In 2024, trade between both countries was $3,100 million.",
        "The turnover of trade rose 20.7% in 2007 to $3.744 million.",
        "Trade: 2021: $1.4 billion; 2024: $3.1 billion.",
        "| 2021 | $1.4 billion |\n| 2024 | $3.1 billion |",
        "The presidents met in Astana on 4 July 2023.",
        "10 companies applied.",
        "Cargo volumes took ten to twelve days, over 43% by rail.",
        "Exports of tea reached -5% then.",
    ],
)
def test_figures_that_an_article_gives_are_verbatim(draft):
    assert {status for _, status in check(draft)} == {"verbatim"}


@pytest.mark.parametrize(
    ("draft", "figure", "reason"),
    [
        ("Trade between both countries was $3.1bn in 2021.", "$3.1bn", "the article gives it for 2024"),
        ("| 2021 | $3.1 billion |", "$3.1 billion", "the article gives it for 2024"),
        ("Turnover was $3.744 million in 2021.", "$3.744 million", "the article gives it for 2007"),
        ("The turnover of trade fell by 20.7% in 2007.", "20.7%", "the article says the opposite"),
        ("The turnover of trade did not rise by 20.7%.", "20.7%", "the article does not say “not”"),
        ("Trade between both countries grew to €3.1 billion.", "€3.1 billion", ""),
        ("The turnover rose by 20.7 percentage points in 2007.", "20.7", ""),
        ("Cargo volumes took 12 weeks.", "12", ""),
        ("Cargo volumes took days, under 43% of it by rail.", "43%", ""),
        ("Exports of tea reached -43% then.", "43%", ""),
        ("The turnover of trade rose by 20,7% in 2007.", "20,7", ""),
    ],
)
def test_a_figure_with_another_year_direction_unit_or_sign_is_altered(draft, figure, reason):
    found = {checked.figure: checked for checked in verify(draft, [ARTICLE]).figures}[figure]
    assert (found.status, found.reason) == ("altered", reason)


@pytest.mark.parametrize("draft", ["Ten companies applied in 2023.", "7 companies applied.", "11 companies applied."])
def test_the_day_of_publication_proves_no_figure(draft):
    assert check(draft)[-1][1] == "altered"


def test_swapped_years_are_altered_both():
    found = check("Trade between both countries grew from $3.1bn in 2021 to $1.4bn in 2024.")
    assert found == [("$3.1bn", "altered"), ("2021", "verbatim"), ("$1.4bn", "altered"), ("2024", "verbatim")]


def test_a_figure_is_shown_with_its_sentence_and_place_in_the_draft():
    draft = "He said “no”.\r\n\r\n- Ten companies “applied”; it was **20.7%**."
    figures = verify(draft, [ARTICLE]).figures
    assert [draft[f.draft_start : f.draft_end] for f in figures] == [f.figure for f in figures] == ["Ten", "20.7%"]
    assert figures[0].sentence == "Ten companies “applied”; it was **20.7%**."
