"""What a question is restricted to: which articles that leaves, and that nothing of the others is shown or used."""

from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag import Assistant, nearest
from rag.compose import describe_scope
from rag.errors import CitewellError
from rag.filters import choose_files, find_scope, list_publishers
from rag.library import Library
from rag.manifest import IndexedFile
from rag.retrieve import retrieve
from rag.schema import Filters
from rag.words import find_words

FILES = [
    IndexedFile("2024/a.txt", "", "", 1, 1, "OC Media", "2024-07-11"),
    IndexedFile("2024/b.txt", "", "", 1, 1, "Oc  media", "2024"),
    IndexedFile("c.txt", "", "", 1, 1, "Trend", "2023-12-31T23:00:00Z"),
    IndexedFile("d.txt", "", "", 1, 1, "", ""),
    IndexedFile("e[1].txt", "", "", 1, 1, "", "last summer"),
]
XI, OC_MEDIA, NO_TITLE = "000_1cb42ba240766532.txt", "001_04a1ac37c911923e.txt", "003_cda45b7a5b13a20a.txt"
COMPANIES = "How many Azerbaijani companies operate in Beijing?"
CATALOG = """
[[article]]
file = "north/a.txt"
publisher = "North Post"
published = "2023-05-01"
[[article]]
file = "south/b.txt"
publisher = "South Post"
published = "2024-06"
"""
PORT = {
    "catalog.toml": CATALOG,
    "north/a.txt": "The port of Zeal has 12 cranes. A mayor opened it.",
    "south/b.txt": "The port of Zeal has 15 cranes. The weather was fine.",
    "c.txt": "Council news\n\nThe zebra council met on Monday. It spoke about the port of Zeal.",
}


@pytest.fixture(scope="module")
def assistant(seeds_config):
    with Assistant.open(seeds_config) as assistant:
        yield assistant


@pytest.fixture
def port(write_corpus):
    with Assistant.open(write_corpus(PORT)) as assistant:
        yield assistant


def shown(answer):
    return {citation.source for citation in (*answer.citations, *answer.nearest)}


@pytest.mark.parametrize(
    ("filters", "places"),
    [
        (Filters(), "abcde"),
        (Filters(since="2024"), "ab"),
        (Filters(since="2024-07"), "a"),
        (Filters(since="2024-02-29"), "a"),
        (Filters(since="2024-07-11", until="2024-07-11"), "a"),
        (Filters(until="2024-07-10"), "c"),
        (Filters(until="2023"), "c"),
        (Filters(until="2024"), "abc"),
        (Filters(since="2030"), ""),
        (Filters(publishers=("OC MEDIA",)), "ab"),
        (Filters(publishers=("trend", "oc media"), until="2024-11"), "ac"),
        (Filters(sources=("2024/*.txt",)), "ab"),
        (Filters(sources=("*.txt",)), "cde"),
        (Filters(sources=("**/*.txt",)), "abcde"),
        (Filters(sources=("d.txt", "*/a*")), "ad"),
        (Filters(sources=("e[1].txt",)), "e"),
        (Filters(sources=("2024/*",), publishers=("Trend",)), ""),
    ],
)
def test_the_filters_choose_files(filters, places):
    assert [file.source for file in choose_files(FILES, filters)] == [
        file.source for file in FILES if file.source.removeprefix("2024/")[0] in places
    ]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (Filters(since="2024-13"), "since is '2024-13', which is no date. Write YYYY, YYYY-MM or YYYY-MM-DD."),
        (Filters(until=""), "until is '', which is no date. Write YYYY, YYYY-MM or YYYY-MM-DD."),
        (Filters(until="2023-02-29"), "until is '2023-02-29', which is no date. Write YYYY, YYYY-MM or YYYY-MM-DD."),
        (
            Filters(since="2024-07", until="2023"),
            "The dates exclude each other: since 2024-07 is later than until 2023. Exchange them.",
        ),
        (Filters(publishers=("OC",)), "No article is published by 'OC'. There are: OC Media, Trend."),
        (
            Filters(sources=("*.md",)),
            "No article fits the source '*.md'. There are: 2024/a.txt, 2024/b.txt, c.txt, d.txt, e[1].txt.",
        ),
        (Filters(publishers="Trend"), "publishers is one text, not several. Write publishers=('Trend',)."),
    ],
)
def test_filters_that_make_no_sense_are_refused(filters, message):
    with pytest.raises(CitewellError) as error:
        choose_files(FILES, filters)
    assert str(error.value) == message


def test_of_many_files_an_error_names_some():
    files = [IndexedFile(f"{number}.txt", "", "", 1, 1, "", "") for number in range(1_010)]
    with pytest.raises(CitewellError, match=r"There are: 0\.txt, .*7\.txt and 1,002 more\.$"):
        choose_files(files, Filters(sources=("x",)))
    with pytest.raises(CitewellError, match="No article says who published it"):
        choose_files(files, Filters(publishers=("x",)))


def test_a_publisher_is_listed_once():
    assert list_publishers(file.publisher for file in FILES) == ["OC Media", "Trend"]


def test_what_was_searched_is_said_in_one_sentence():
    filters = Filters("2023", "2024-06", ("OC Media", "Trend"), ("2024/*",))
    assert describe_scope(filters, 1, 1_200) == (
        "Searched: 1 of 1,200 articles (since 2023, until 2024-06, undated ones left out, by OC Media or Trend, "
        "in 2024/*)."
    )
    assert describe_scope(Filters(), 5, 5) == ""


def test_an_answer_says_what_it_was_restricted_to(assistant):
    answer = assistant.ask(COMPANIES, filters=Filters(since="2024", publishers=("oc media",)))
    assert (answer.short, shown(answer)) == ("around 245", {OC_MEDIA})
    assert (answer.searched, answer.articles) == (1, 5)
    assert answer.to_dict()["filters"] == asdict(Filters(since="2024", publishers=("oc media",)))
    everything = assistant.ask(COMPANIES)
    assert (everything.filters, everything.searched, everything.articles) == (Filters(), 5, 5)


def test_a_refusal_shows_and_names_nothing_from_outside(assistant):
    answer = assistant.ask(COMPANIES, filters=Filters(sources=("004*",)))
    assert not answer.answered
    assert shown(answer) == {"004_61376625041b5dca.txt"}
    assert answer.text.startswith("**The articles do not say.**\n\nSearched: 1 of 5 articles (in 004\\*).")


def test_filters_that_leave_nothing_decline_without_passages(assistant):
    answer = assistant.ask(COMPANIES, filters=Filters(since="2030"))
    assert (answer.answered, answer.confidence, answer.nearest, answer.unmentioned) == (False, 0.0, (), ())
    assert answer.text == (
        "**The articles do not say.**\n\nSearched: 0 of 5 articles (since 2030, undated ones left out)."
    )


def test_the_words_that_are_never_mentioned_are_those_of_the_articles_that_were_searched(port):
    question = "What did the zebra council decide on wine?"
    assert port.ask(question, filters=Filters(publishers=("North Post",))).unmentioned == (
        "zebra",
        "council",
        "decide",
        "wine",
    )
    assert not {"zebra", "council"} & set(port.ask(question).unmentioned)


def test_only_what_was_searched_can_disagree(port):
    question = "How many cranes has the port of Zeal?"
    (conflict,) = port.ask(question).conflicts
    assert {side.value for side in conflict.sides} == {"12", "15"}
    for filters, short in ((Filters(until="2023"), "12"), (Filters(since="2024"), "15")):
        answer = port.ask(question, filters=filters)
        assert (answer.conflicts, answer.short, len(shown(answer))) == ((), short, 1)


def test_dates_and_publishers_follow_the_catalog(port):
    catalog = port.config.corpus / "catalog.toml"
    catalog.write_text(CATALOG.replace("South Post", "West Post"))
    assert port.ask("cranes", filters=Filters(publishers=("West Post",))).searched == 1
    with pytest.raises(CitewellError, match=r"There are: North Post, West Post\.$"):
        port.ask("cranes", filters=Filters(publishers=("South Post",)))


def test_words_are_known_and_weighed_by_the_kept_sentences(seeds_index):
    everything = seeds_index.lexical
    lexical = find_scope(seeds_index, Filters(sources=(NO_TITLE,))).lexical
    assert 0 < len(lexical) < len(everything)
    (beijing,) = find_words("Beijing")
    assert everything.knows(beijing.stem)
    assert lexical.idf(beijing.stem) <= lexical.idf("zyxwv")
    assert not lexical.mentions(next(iter(find_words("zyxwv"))))
    assert (lexical.scores([beijing.stem]) > 0).sum() <= (everything.scores([beijing.stem]) > 0).sum()
    assert lexical.forms == everything.forms


@pytest.mark.parametrize(("few", "share"), [(500, 0.1), (0, 0.0), (0, 2.0)], ids=["each", "all", "identifiers"])
def test_each_way_of_searching_a_part_finds_the_same(seeds_config, seeds_index, embedder, monkeypatch, few, share):
    question, library = "What did Aliyev say about trade?", Library(seeds_config, seeds_index.manifest)
    scope = find_scope(seeds_index, Filters(sources=("00[02]*",)))
    encoded = embedder.encode_question(question)
    expected = retrieve(seeds_index, question, encoded, library.load, 10, scope)
    monkeypatch.setattr(nearest, "FEW", few)
    monkeypatch.setattr(nearest, "SHARE", share)
    found = retrieve(seeds_index, question, encoded, library.load, 10, scope)
    assert [candidate.key for candidate in found] == [candidate.key for candidate in expected]
    assert {candidate.article.source[:3] for candidate in found} <= {"000", "002"}


filters_of_the_seeds = st.builds(
    Filters,
    since=st.none() | st.sampled_from(["2023", "2024-07-11", "2025"]),
    until=st.none() | st.sampled_from(["2025", "2026-01"]),
    publishers=st.lists(st.sampled_from(["OC Media", "oc insider", "SR-CENTER.INFO"]), max_size=2).map(tuple),
    sources=st.lists(st.sampled_from(["00[0-2]*", "*", "003*", XI]), max_size=2).map(tuple),
)
questions = st.sampled_from(
    [COMPANIES, "By how much did trade with China rise in 2024?", "What did Xi say?", "Who is Messi?", "…"]
)


@given(filters=filters_of_the_seeds, question=questions)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_from_outside_the_filters_is_ever_shown(assistant, seeds_index, filters, question):
    within = {file.source for file in choose_files(seeds_index.manifest.files, filters)}
    answer = assistant.ask(question, filters=filters)
    assert shown(answer) <= within
    assert answer.searched == len(within)
    numbers = {citation.number for citation in answer.citations}
    for conflict in (*answer.conflicts, *answer.developments):
        assert {number for side in conflict.sides for number in side.citations} <= numbers
    outside = "".join(f.source for f in seeds_index.manifest.files if f.source not in within)
    assert not [word for word in outside.split(".txt") if word and word in answer.text]
