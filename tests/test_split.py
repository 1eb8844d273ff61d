import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.articles import read_articles
from rag.schema import Article, Span
from rag.split import MAX_SENTENCE, find_blocks, pack_passages, split_article


def make_article(text, body=None):
    return Article("a.txt", text, "0" * 64, "", "", "", "", (body or Span(0, len(text)),))


def sentences(text):
    return [sentence.text for sentence in split_article(make_article(text)).sentences]


def test_abbreviations_initials_decimals_and_ellipses_do_not_end_a_sentence():
    text = (
        "Dr. Smith met J. K. Rowling on 5 Jan. 2024 in the U.S. Congress. It cost $3.7 bn, i.e. 20.7% more… and then "
        "some. See No. 5 and fig. 2, pp. 3 ff., vs. last year. “Wait … what?” he asked. Prices, rents, etc. rose."
    )
    assert sentences(text) == [
        "Dr. Smith met J. K. Rowling on 5 Jan. 2024 in the U.S. Congress.",
        "It cost $3.7 bn, i.e. 20.7% more… and then some.",
        "See No. 5 and fig. 2, pp. 3 ff., vs. last year.",
        "“Wait … what?” he asked.",
        "Prices, rents, etc. rose.",
    ]


@pytest.mark.parametrize(("opener", "closer"), ["‘’", "“”", "«»", '""', '"”', ("« ", " »"), ("(", ")")])
def test_a_closing_mark_stays_with_its_sentence(opener, closer):
    text = f"He left. {opener}We stay.{closer} They stayed."
    assert sentences(text) == ["He left.", f"{opener}We stay.{closer}", "They stayed."]


def test_a_question_or_call_inside_a_sentence_does_not_end_it():
    text = "The song — ‘Homeland!’ (‘Ey Vətən!’) — played. ‘Why now?’ he asked. Nobody knew!"
    assert sentences(text) == ["The song — ‘Homeland!’ (‘Ey Vətən!’) — played.", "‘Why now?’ he asked.", "Nobody knew!"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_text_wrapped_to_80_columns_is_cut_at_full_stops_whatever_ends_its_lines(newline):
    lines = [
        "The Middle Corridor grew in importance after the invasion, as it became an",
        "alternative to routes through Russian territory. Azerbaijan and Kazakhstan and",
        "Georgia agreed on tariffs in 2023. Trade rose.",
        "",
        "A new paragraph follows here, and it also goes on over the end of its line to",
        "Baku and",
        "ends.",
    ]
    assert sentences(newline.join(lines)) == [
        newline.join(lines[:2])[: -len(" Azerbaijan and Kazakhstan and")],
        "Azerbaijan and Kazakhstan and" + newline + "Georgia agreed on tariffs in 2023.",
        "Trade rose.",
        newline.join(lines[4:]),
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_heading_is_no_sentence_and_is_named_by_those_beneath_it(newline):
    text = newline.join(
        ["# First *part*", "One fact.", "", "Benefits for Baku and Beijing", "Two facts.", "More.", "", "End."]
    )
    split = split_article(make_article(text))
    assert [(sentence.text, sentence.heading) for sentence in split.sentences] == [
        ("One fact.", "First *part"),
        ("Two facts.", "Benefits for Baku and Beijing"),
        ("More.", "Benefits for Baku and Beijing"),
        ("End.", "Benefits for Baku and Beijing"),
    ]


def test_rules_and_underlines_are_neither_sentences_nor_headings():
    text = "Title of this\n=============\n\nFact one.\n\n---\n\n* * *\n\nFact two.\n\n***"
    split = split_article(make_article(text))
    assert [(sentence.text, sentence.heading) for sentence in split.sentences] == [
        ("Fact one.", "Title of this"),
        ("Fact two.", "Title of this"),
    ]


def test_a_wrapped_line_does_not_swallow_the_heading_after_it():
    text = "This paragraph was wrapped to a width, and its last line is as long as it gets\n# Heading\nA fact."
    assert sentences(text)[-1] == "A fact."
    assert [block.heading for block in find_blocks(text, Span(0, len(text)))][1:] == [True, False]


def test_list_items_keep_their_labels_and_stand_alone():
    text = "There were steps.\n1. Buy. Then sell.\n2) Wait\n- milk\n• bread; and\n10. Last"
    assert sentences(text) == [
        "There were steps.",
        "1. Buy.",
        "Then sell.",
        "2) Wait",
        "- milk",
        "• bread; and",
        "10. Last",
    ]


def test_repeated_sentences_have_places_of_their_own():
    split = split_article(make_article("Yes. No. Yes. No. Yes."))
    assert [(s.text, s.start) for s in split.sentences] == [
        ("Yes.", 0),
        ("No.", 5),
        ("Yes.", 9),
        ("No.", 14),
        ("Yes.", 18),
    ]


def test_text_without_full_stops_is_cut_at_the_best_place_before_1200_characters():
    text = "word, " * 400
    pieces = sentences(text.strip())
    assert [len(piece) for piece in pieces] == [1199, 1199]
    assert all(piece.endswith(",") for piece in pieces)


def test_a_run_without_blanks_is_cut_hard():
    assert [len(piece) for piece in sentences("x" * 2_500)] == [1_200, 1_200, 100]


@pytest.mark.parametrize("text", ["", " \n\t", "# Only a heading", "\n\n---\n"])
def test_text_without_sentences_gives_none(text):
    split = split_article(make_article(text))
    assert split.sentences == ()
    assert pack_passages(split, lambda texts: [len(t) for t in texts], 10) == ()


def test_only_the_body_is_split():
    text = "Join us today. The fact. Buy a badge."
    split = split_article(make_article(text, Span(15, 24)))
    assert [(s.text, s.start, s.end) for s in split.sentences] == [("The fact.", 15, 24)]


WORDS = (
    "The trade A. Dr. U.S. 3.7 $2.46 e.g. etc. said Xi ‘ ’ “ ” « » \" ' ( ) [ ] . ! ? … .” .’ , ; : — – - * • # ## 1. "
    "2) a) ə İ é 🎉 👩‍👩‍👧 \u0301 \ufeff \u200b 。 ！ _ == --- http://x.y/z?a=1 | ```".split()
)
BLANKS = [" ", "  ", "\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\t", "\u00a0", "\u2028", "\u0085", "\f", "x" * 700]
FRAGMENTS = st.sampled_from([*WORDS, *BLANKS])
TEXTS = st.lists(FRAGMENTS | st.text(max_size=5), max_size=80).map("".join) | st.lists(FRAGMENTS, max_size=80).map(
    " ".join
)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("A.\r\nb\r\n\r\nC")
def test_sentences_are_exact_in_order_and_with_the_headings_cover_the_body(text):
    check_split(make_article(text))


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(0, 200), st.integers(0, 200))
def test_nothing_outside_of_the_body_is_in_a_sentence(text, start, length):
    start = min(start, len(text))
    body = Span(start, min(len(text), start + length))
    for sentence in check_split(make_article(text, body)).sentences:
        assert body.start <= sentence.start < sentence.end <= body.end


def check_split(article):
    split = split_article(article)
    text, (body,) = article.text, article.body
    covered = set()
    for block in find_blocks(text, body):
        if block.heading:
            covered.update(range(block.start, block.end))
    end = body.start
    for sentence in split.sentences:
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() != ""
        assert len(sentence.text) <= MAX_SENTENCE
        assert sentence.start >= end
        assert not covered & {sentence.start, sentence.end - 1}
        end = sentence.end
        covered.update(range(sentence.start, sentence.end))
        if sentence.quotation:
            assert sentence.quotation.start <= sentence.start < sentence.end <= sentence.quotation.end
            assert sentence.quotation != Span(sentence.start, sentence.end)
            assert body.start <= sentence.quotation.start < sentence.quotation.end <= body.end
    assert [i for i in range(body.start, body.end) if i not in covered and not text[i].isspace()] == []
    return split


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(1, 60))
def test_passages_are_runs_of_whole_sentences_within_the_limit(text, limit):
    split = split_article(make_article(text))

    def count(texts):
        return [len(text.split()) for text in texts]

    passages = pack_passages(split, count, limit)
    assert [n for p in passages for n in range(p.first, p.last + 1)] == list(range(len(split.sentences)))
    for passage in passages:
        inside = split.sentences[passage.first : passage.last + 1]
        assert (passage.start, passage.end) == (inside[0].start, inside[-1].end)
        assert passage.text == text[passage.start : passage.end]
        assert len({sentence.heading for sentence in inside}) == 1
        assert sum(count([sentence.text for sentence in inside])) <= limit or passage.first == passage.last


def test_seeds_are_split_exactly_and_their_passages_fit_the_model(seeds_config, embedder):
    tokenizer = embedder.model.tokenizer
    for article in read_articles(seeds_config.corpus, seeds_config.max_file_bytes):
        split = check_split(article)
        passages = pack_passages(split, embedder.count_tokens, 254)
        lengths = [len(tokenizer(passage.text, truncation=False)["input_ids"]) for passage in passages]
        assert max(lengths) <= 256
        assert sorted(lengths)[len(lengths) // 2] > 100


@pytest.mark.parametrize(
    "boilerplate",
    ["JOIN TODAY", "fund reporting", "Become a", "Official photo", "Related Articles", "enlargement report",
     "Five years of loneliness", "safety equipment", "Consider becoming", "Irina Khalturina", "SR-CENTER"],
)  # fmt: skip
def test_boilerplate_of_the_seeds_is_in_a_file_and_in_no_sentence(seeds_config, boilerplate):
    articles = list(read_articles(seeds_config.corpus, seeds_config.max_file_bytes))
    assert any(boilerplate in article.text for article in articles)
    assert not [s.text for article in articles for s in split_article(article).sentences if boilerplate in s.text]


def test_headings_and_labels_of_the_seeds(seeds_config):
    articles = {a.source[:3]: split_article(a) for a in read_articles(seeds_config.corpus, seeds_config.max_file_bytes)}
    assert {s.heading for s in articles["001"].sentences} == {"", "‘Dependence on Chinese capital’"}
    labelled = [s for s in articles["002"].sentences if s.text[0].isdigit()]
    assert [s.text.split(":")[0] for s in labelled] == [
        "1. Economic Growth",
        "2. Infrastructure Development",
        "3. Strategic Autonomy",
        "4. Political Support",
        "5. Tourism Boost",
        "6. Energy Sector Collaboration",
        "7. Technology and Innovation",
    ]
    assert {s.heading for s in labelled} == {"Benefits for Baku"}
    assert len([s for s in articles["004"].sentences if "interested in Azerbaijan's energy sector" in s.text]) == 1


@pytest.mark.parametrize(
    "unit",
    ["The fox jumped near Mr. Smith. “Hello,” he said. ", "One line. And another one.\r\n\r\n", "word ", "x", ". ", ".",
     ".a", "Mr. ", "A. ", "‘Aa. ", "Aa.’ “", "(", "\n", "a\r\n\r\n", "Some title\n", "1. a\n", "“", "\u00a0", ", "],
)  # fmt: skip
def test_a_megabyte_of_anything_is_split_in_seconds(unit):
    text = unit * (1_000_000 // len(unit)) + "a"
    start = time.perf_counter()
    split_article(make_article(text))
    assert time.perf_counter() - start < 15


def test_a_list_of_names_without_marks_is_quotable():
    text = "Members\nChina\nRussia\nKazakhstan\nThey founded it in Shanghai."
    assert sentences(text) == text.split("\n")
