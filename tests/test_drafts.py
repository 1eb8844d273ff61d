"""What of a draft is a quotation, and which of its own sentences give figures."""

import pytest

from rag.draft_file import read_draft
from rag.drafts import find_quotations, find_statements
from rag.errors import CitewellError


def quotes(draft):
    return [quotation.quote for quotation in find_quotations(draft)]


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("He said “we will not bend” there.", ["we will not bend"]),
        ('He said "we will not bend" there.', ["we will not bend"]),
        ("He said ‘we won’t bend’ there.", ["we won’t bend"]),
        ("He said 'we won't bend' there.", ["we won't bend"]),
        ("He said «we will not bend» there.", ["we will not bend"]),
        ("He said „we will not bend“ there.", ["we will not bend"]),
        ('He said “we will not bend" there.', ["we will not bend"]),
        ("He said “we will ‘never’ bend” there.", ["we will ‘never’ bend"]),
        ('He said "we will “never” bend" there.', ["we will “never” bend"]),
        (
            "He said ‘the students’ vote and the ministers’ reply’ there.",
            ["the students’ vote and the ministers’ reply"],
        ),
        ("“One.” “Two.”", ["One.", "Two."]),
        ("“One.\n\n“Two.”", ["One.", "Two."]),
        ("“Never closed.\n\nNothing here.", []),
        ("Never opened.” Nothing here.", []),
        ("Don't say that it's theirs, rock 'n' roll.", []),
        ("It was 5' 10\" tall.", []),
        ("He is a “giant”.", ["giant"]),
        ("He said “”, “…” and “ ”.", []),
        ("He said “we <blockquote>will” not</blockquote> bend.", ["we <blockquote>will"]),
        (r"He said \`“we will” and \&quot;never\&quot; and \<q\>no\</q\>\`.", ["we will"]),
        ("> One line\n> and two.\n> — Xinhua, 2024\n\nText.", ["One line\n> and two."]),
        ("> “One line” – Aliyev", ["One line"]),
        ("```\nprint(“no”)\n```\nand `“no”` and [“yes”](http://x/“no”).", ["yes"]),
        ("", []),
        ("He said « we will not bend » there.", ["we will not bend"]),
        ("He said «\u00a0we will not bend\u00a0» there.", ["we will not bend"]),
        ("He said »we will not bend« there.", ["we will not bend"]),
        ("He said ‹we will not bend› there.", ["we will not bend"]),
        ("He said „we will not bend” there.", ["we will not bend"]),
        ("He said ‚we will not bend‘ there.", ["we will not bend"]),
        ("He said ”we will not bend” there.", ["we will not bend"]),
        ("He said ``we will not bend'' there.", ["we will not bend"]),
        ("He said 「we will not bend」 and 《never》.", ["we will not bend", "never"]),
        ("He said &quot;we will not bend&quot; and &ldquo;never&rdquo;.", ["we will not bend", "never"]),
        ("He said <q>we will not bend</q> there.", ["we will not bend"]),
        ('He said "we will "never" bend" there.', ['we will "never" bend']),
        ("He said 'the so-called 'soft power'' there.", ["the so-called 'soft power'"]),
        ("The companies’ plans of ‘soft power’ and the ‘hard’ kind.", ["soft power", "hard"]),
        ("The officials' 'evil forces' and the ministers' 'new start'.", ["evil forces", "new start"]),
        ("The ‘evil forces’ and the allies.", ["evil forces"]),
        ("In the '90s he said 'we will not bend'.", ["we will not bend"]),
        ("“One.\r\n\r\n“Two.”\r\n", ["One.", "Two."]),
        ("He said: “One.\n\n“Two.”", ["One.", "Two."]),
        ("“Never closed. “One”.", ["One"]),
        ("<blockquote>One <b>line</b>.</blockquote>", ["One <b>line</b>."]),
        ("> The “three evil forces” of terrorism.", ["The “three evil forces” of terrorism."]),
        ("> “One,” he said, and more.", ["“One,” he said, and more."]),
        ("> “One,” said Xi Jinping.", ["One,"]),
        ("> One.\n>\n> Two.\n\nText.\n\n> Three.", ["One.\n>\n> Two.", "Three."]),
        ("> [!NOTE]\n> Not a quotation.", []),
    ],
)
def test_quotations_are_found_in_any_marks(draft, expected):
    assert quotes(draft) == expected


def test_a_quotation_stands_where_it_says_with_the_sentence_around_it():
    draft = "It rained. Aliyev said: “We will not bend.” Then he left."
    (quotation,) = find_quotations(draft)
    assert draft[quotation.start : quotation.end] == quotation.quote == "We will not bend."
    assert (quotation.before, quotation.after) == ("Aliyev said:", "")


@pytest.mark.parametrize(
    ("draft", "before", "after"),
    [
        ("It rained. Aliyev said: “We will not bend.” Then he left.", "Aliyev said:", ""),
        ("“We will not bend,” said Mr. Aliyev. He left.", "", "said Mr. Aliyev."),
        ("“We will not bend!” Aliyev said. He left.", "", "Aliyev said."),
        ("Aliyev said:\n\n“We will not bend.”", "Aliyev said:", ""),
        ("Aliyev said the following.\r\n\r\n“We will not bend.”", "Aliyev said the following.", ""),
        ("Aliyev came.\n\n“We will not bend.”", "", ""),
        ("“We will not bend.” (Aliyev, 2025)", "", "(Aliyev, 2025)"),
        ("“We will not bend.”\n— Ilham Aliyev\n\nText.", "", "— Ilham Aliyev"),
        ("As he put it:\n\n> We will not bend.\n>\n> — Ilham Aliyev\n\nText.", "As he put it:", "— Ilham Aliyev"),
        ("| Aliyev | “We will not bend” |\n| Xi | no |", "| Aliyev |", "|"),
        ("- Xi came\n- Aliyev: “We will not bend”", "Aliyev:", ""),
    ],
)
def test_the_drafts_own_words_around_a_quotation_are_kept(draft, before, after):
    quotation = find_quotations(draft)[0]
    assert (quotation.before, quotation.after) == (before, after)


def test_the_words_of_other_quotations_are_not_the_drafts_own():
    _, second = find_quotations("Xi spoke of “evil forces”, while Aliyev said “We will not bend”, he added.")
    assert (second.before, second.after) == ("Xi spoke of “ ”, while Aliyev said", ", he added.")


def test_offsets_are_those_of_the_file_as_it_is(tmp_path):
    (tmp_path / "d.md").write_bytes("\ufeff> One\r\n> line.\r\n\r\nHe said:\r\n“We — ‘never’.”\r\n".encode())
    draft, _ = read_draft(tmp_path / "d.md")
    assert [draft[q.start : q.end] for q in find_quotations(draft)] == ["One\r\n> line.", "We — ‘never’."]
    assert draft.index("One") == find_quotations(draft)[0].start == 3


def test_long_and_unbalanced_drafts_take_no_time():
    assert len(quotes("“" + "word " * 2_000 + "”")[0]) > 9_000
    assert quotes("“ " * 100_000) == []
    assert quotes("“a " * 20_000) == []
    assert len(quotes("“a b” " * 20_000)) == 20_000


def test_sentences_with_figures_of_the_drafts_own_are_found():
    draft = "# In 2024\n\n1. Trade grew by 5%. He said “by 6%”. Nothing here!\n- It was $3bn.\n\n> Words\n> — AP, 2024"
    statements = list(find_statements(draft, find_quotations(draft)))
    assert [statement.sentence for statement in statements] == ["In 2024", "Trade grew by 5%.", "It was $3bn."]
    assert [draft[s.start : s.end] for s in statements] == [s.sentence for s in statements]
    assert [s.figure(f) for s in statements for f in s.figures] == ["2024", "5%", "$3bn"]


@pytest.mark.parametrize(
    "draft",
    [
        "One of them may march in March on.",
        "No one came.",
        "See https://example.org/2024/05/12 or a.b3@example.org.",
        "Trade rose.[3] And fell [4, 5].[^6]",
        "Trade rose (Xinhua, 2024).",
        "1. First\n2) Second",
        "## 2. Trade\n\n### 2.1 More",
        "COP29, G20 and Covid-19.",
        "He said “20% in 2024” there.",
        "“Words” — AP, 2024",
        "`20` and\n```\n30\n```",
    ],
)
def test_what_only_looks_like_a_figure_is_none(draft):
    statements = find_statements(draft, find_quotations(draft))
    assert [s.figure(f) for s in statements for f in s.figures] in ([], ["March"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "is no text in UTF-8: byte 0 is 0xff"),
        (b"a\0b", "is no text: it holds NUL bytes"),
        (b"x" * 10_000_001, "more than 10,000,000 bytes"),
    ],
    ids=["binary", "NUL", "large"],
)
def test_a_file_that_is_no_draft_is_refused(tmp_path, data, message):
    (tmp_path / "d.md").write_bytes(data)
    with pytest.raises(CitewellError, match=message):
        read_draft(tmp_path / "d.md")
    with pytest.raises(CitewellError, match="cannot be read"):
        read_draft(tmp_path / "none.md")


def test_an_answers_json_is_told_from_a_text(tmp_path):
    file = tmp_path / "a.json"
    file.write_text('{"citations": []}')
    assert read_draft(file)[1] == {"citations": []}
    for text in ("{curly} words", '{"a":' * 100_000, '{"a": ' + "1" * 5_000 + "}", "[1]"):
        file.write_text(text)
        assert read_draft(file) == (text, None)
