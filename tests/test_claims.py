"""A model's reply as claims: only what names its sentences and is borne out by them is left."""

import pytest

from rag.claims import MOST_CLAIMS, check_reply, read_markers, split_lines
from rag.schema import Article, Candidate, Sentence, Span, SplitArticle

SENTENCES = (
    "Xi Jinping met Ilham Aliyev in Astana on 3 July 2024.",
    "Trade reached $3,744 million, a rise of 20.7% on the year before.",
    "About 245 companies operate in Beijing, said the ambassador.",
    "He did not sign the treaty.",
    "Freight moved by rail takes ten to 12 days.",
)


def make_candidates(sentences=SENTENCES, title="Trade with China", published="2024-07-05", publisher="The Gazette"):
    text = " ".join(sentences)
    places = [text.index(sentence) for sentence in sentences]
    split = SplitArticle(
        Article("a.txt", text, "0" * 64, title, publisher, published, "", (Span(0, len(text)),)),
        tuple(Sentence(place, place + len(s), s, 0) for place, s in zip(places, sentences, strict=True)),
    )
    span = Span(0, len(text))
    return [Candidate(row, split, row, span, 0.5, 0.5, 1.0, 1.0) for row in range(len(sentences))]


CANDIDATES = make_candidates()


def check(reply, question="What happened?", candidates=CANDIDATES):
    return check_reply(reply, question, candidates)


def test_claims_are_read_in_order_with_their_sentences():
    checked = check("- Trade reached $3,744 million. [S2]\n- Xi met Aliyev in Astana [S1][S3].\n")
    assert [(claim.text, claim.sentences) for claim in checked.claims] == [
        ("Trade reached $3,744 million.", (1,)),
        ("Xi met Aliyev in Astana.", (0, 2)),
    ]
    assert checked.dropped == ()
    assert not checked.declined


@pytest.mark.parametrize(
    ("line", "numbers", "unknown"),
    [
        ("A. [S1]", (0,), ()),
        ("A [1].", (0,), ()),
        ("A [s2, S4]", (1, 3), ()),
        ("A [S2; 4]", (1, 3), ()),
        ("A [S2][S2] [2]", (1,), ()),
        ("A [S2-S4]", (1, 2, 3), ()),
        ("A [S2–4]", (1, 2, 3), ()),
        ("A (S2)", (1,), ()),
        ("A 【S3】", (2,), ()),
        ("A (2)", (), ()),
        ("A [0]", (), ("0",)),
        ("A [S999]", (), ("S999",)),
        ("A [S6]", (), ("S6",)),
        ("A [S4-S6]", (), ("S4-S6",)),
        ("A [S4-S2]", (), ("S4-S2",)),
        ("A [S1-S99999999999]", (), ("S1-S99999999999",)),
        ("A [S1][S9]", (0,), ("S9",)),
        ("A [S２]", (), ("[S２]",)),
        ("A [S٢]", (), ("[S٢]",)),
        ("A [S²]", (), ("[S²]",)),
        ("A [-1]", (), ("[-1]",)),
        ("A [S1.5]", (), ("[S1.5]",)),
        ("A [note]", (), ("[note]",)),
        ("A wor[S1]d", (), ("[S1]",)),
        ("A", (), ()),
    ],
)
def test_markers_are_read_or_unknown(line, numbers, unknown):
    text, found, others = read_markers(line, 5)
    assert (found, others) == (numbers, unknown)
    assert "[" not in text
    assert text.startswith("A")


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("Trade reached $4 billion. [S2]", "“$4 billion” stands in none"),
        ("Trade reached 3,744 billion. [S2]", "“3,744 billion” stands in none"),
        ("Trade rose by 20.7%. [S1]", "“20.7%” stands in none"),
        ("Twelve companies operate in Beijing. [S3]", "“Twelve” stands in none"),
        ("They met on 4 July 2024. [S1]", "“4 July 2024” stands in none"),
        ("They met in June 2024. [S1]", "“June 2024” stands in none"),
        ("Putin met Aliyev in Astana. [S1]", "“Putin” stands in none"),
        ("Xi met Aliyev in Moscow. [S1]", "“Moscow” stands in none"),
        ("Xi met Aliyev in Beijing. [S1]", "“Beijing” stands in none"),
        ("Xi Jinping never met Ilham Aliyev in Astana. [S1]", "denies what none"),
        ("It will be free for everybody. [S2]", "hardly any of its words"),
        ("Trade reached $3,744 million.", "it names no sentence"),
        ("Trade reached $3,744 million. [S0]", "there is no sentence S0"),
        ("Trade doubled to $3,744 million. [S2]", "“doubled” stands in none"),
        ("Trade fell by 20.7 percent. [S2]", "says the opposite"),
        ("The ambassador called the 245 companies “a great success”. [S3]", "“a great success” stands in none"),
        ("'Companies are welcome in Beijing', said the ambassador of the 245. [S3]", "“Companies are welcome in B"),
        ("The ambassador spoke of “245 … banks”. [S3]", "“245 … banks” stands in none"),
        ("[S1]", "it says nothing"),
        ("The. [S1]", "it says nothing"),
    ],
)
def test_what_its_sentences_do_not_bear_out_is_dropped_with_the_reason(claim, reason):
    checked = check(claim)
    assert checked.claims == ()
    (dropped,) = checked.dropped
    assert reason in dropped.reason
    assert dropped.text in claim


@pytest.mark.parametrize(
    "claim",
    [
        "Trade reached 3.744 billion dollars. [S2]",
        "Trade grew by 20.7 percent. [S2]",
        "10 to 12 days is what rail freight takes. [S5]",
        "The ambassador said that about 245 companies operate in Beijing. [S3]",
        "The treaty was not signed. [S4]",
        "According to The Gazette, trade with China reached $3,744 million. [S2]",
        "Freight takes 10–12 days by rail. [S5]",
        "Companies in Beijing: 245. [S3]",
        "The ambassador said: “about 245 companies … in Beijing”. [S3]",
        "The ambassador's ‘companies’ operate in Beijing. [S3]",
    ],
)
def test_what_its_sentences_say_in_other_words_stays(claim):
    checked = check(claim, "What happened to trade?")
    assert len(checked.claims) == 1, checked.dropped


def test_a_model_that_declines_says_so_alone():
    assert check("NO ANSWER").declined
    assert check("**No answer.**\n").declined
    assert not check("Trade reached $3,744 million. [S2]\nNO ANSWER").declined
    assert not check("There is NO ANSWER in 2025. [S2]").declined
    assert not check("").declined


def test_thoughts_bullets_and_fences_are_no_claims():
    reply = "<think>Is it [S1]? No.</think>\n```\n* One [S1]\n2. Two [S2]\n---\n\n• Three [S3]\n```"
    assert list(split_lines(reply)) == ["One [S1]", "Two [S2]", "Three [S3]"]
    assert list(split_lines("<think>never ended - One [S1]")) == []


def test_json_replies_are_read_also_while_they_are_written():
    whole = '{"claims": [{"text": "Trade [x] rose.", "sentences": [2, 1]}, {"text": "B", "sentences": ["3", true]}]}'
    assert list(split_lines(whole)) == ["Trade rose. [S2] [S1]", "B [3] [True]"]
    assert list(split_lines(whole[:60])) == ["Trade rose. [S2] [S1]"]
    assert list(split_lines('{"claims": []}')) == ["NO ANSWER"]
    assert list(split_lines('{"claims": [')) == []
    assert list(split_lines('{"other": 1}')) == []
    assert list(split_lines('{"claims": [{"text": 5, "sentences": "no"}, 7]}')) == []


def test_a_claim_is_kept_once_and_no_more_than_a_dozen():
    checked = check("Trade reached $3,744 million. [S2]\n" * 3)
    assert len(checked.claims) == 1
    many = "\n".join(f"Trade {'reached ' * n}$3,744 million. [S2]" for n in range(1, MOST_CLAIMS + 4))
    checked = check(many)
    assert len(checked.claims) == MOST_CLAIMS
    assert len(checked.dropped) == 3


def test_a_reply_to_no_sentences_has_no_claims():
    assert check("Trade rose. [S1]", candidates=[]).claims == ()
