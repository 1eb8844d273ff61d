import pytest

from rag.schema import Article, Span
from rag.split import split_article


def runs(text):
    """Each sentence's first word, and the text that is quoted for it."""
    split = split_article(Article("a.txt", text, "", "", "", "", "", (Span(0, len(text)),)))
    return [text[s.quotation.start : s.quotation.end] if s.quotation else s.text for s in split.sentences]


@pytest.mark.parametrize(("opener", "closer"), ["‘’", "“”", "«»", '""'])
def test_a_sentence_inside_a_quotation_is_quoted_with_the_words_that_say_whose_it_is(opener, closer):
    text = f"{opener}We build roads. We count on firms,{closer} said Aliyev. Trade rose."
    first = f"{opener}We build roads. We count on firms,{closer} said Aliyev."
    assert runs(text) == [first, first[len(opener) + 15 :].lstrip(), "Trade rose."]


def test_the_attribution_may_stand_first():
    text = "Hazi said: ‘China stays out. However, it meddles.’ Nobody else spoke."
    assert runs(text) == [
        "Hazi said: ‘China stays out.",
        "Hazi said: ‘China stays out. However, it meddles.’",
        "Nobody else spoke.",
    ]


def test_the_attribution_may_stand_a_paragraph_before():
    text = "Ding said on 5 July that members should be prepared.\n\n‘We must unite.’\n\nTrade rose."
    assert runs(text) == [
        "Ding said on 5 July that members should be prepared.",
        "Ding said on 5 July that members should be prepared.\n\n‘We must unite.’",
        "Trade rose.",
    ]


def test_a_quotation_that_nobody_says_is_quoted_alone():
    assert runs("Trade rose.\n\n‘We must unite.’\n\nIt fell.") == ["Trade rose.", "‘We must unite.’", "It fell."]


def test_an_apostrophe_neither_opens_nor_closes_a_quotation():
    text = "China’s trade rose. The firms’ profits didn’t. Its people’s hopes grew."
    assert runs(text) == ["China’s trade rose.", "The firms’ profits didn’t.", "Its people’s hopes grew."]


def test_an_attribution_further_than_six_sentences_away_is_left_out():
    inside = " ".join(f"Point {number}." for number in ("one", "two", "three", "four", "five", "six", "seven"))
    quoted = runs(f"Xi said: ‘{inside}’")
    assert quoted[5] == "Xi said: ‘Point one. Point two. Point three. Point four. Point five. Point six."
    assert quoted[6] == "Point seven.’"


def test_a_text_that_ends_inside_a_quotation_is_split():
    assert runs("‘It began. It never") == ["‘It began.", "It never"]


def test_quotations_of_the_seeds_name_their_speakers(seeds_config):
    text = (seeds_config.corpus / "004_61376625041b5dca.txt").read_bytes().decode()
    whole = text[text.index("«We want") : text.index("said Ilham Aliyev.") + len("said Ilham Aliyev.")]
    quoted = [run for run in runs(text) if run.endswith("» said Ilham Aliyev.")]
    assert quoted[0] == whole
    assert [len(run) for run in quoted] == sorted((len(run) for run in quoted), reverse=True)
    assert len(quoted) == 6
