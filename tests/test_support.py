"""Whether sentences bear out a claim: what a lying model may try, and what an honest one may write."""

import time

import pytest
from test_claims import CANDIDATES, make_candidates

from rag.claims import check_reply

TRADE = make_candidates(
    (
        "In 2007, the volume of trade between China and Azerbaijan reached $289 million.",
        "Trade turnover between China and Azerbaijan in 2024 rose by 20.7 percent to $3.744 billion.",
        "China is the 4th largest partner, and over 150 countries take part.",
        "Baku does not like allies who interfere, Seymur Hazi said on 4 July.",
    ),
    published="2024-07-11",
)


def check(reply, question="What happened to trade?", candidates=TRADE):
    return check_reply(reply, question, candidates)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("Zero countries take part. [S3]", "“Zero”"),
        ("One million countries take part. [S3]", "“One million”"),
        ("Eleven countries take part. [S3]", "“Eleven”"),
        ("Seven countries take part. [S3]", "“Seven”"),
        ("Hazi said so on 11 July. [S4]", "“11 July”"),
        ("Trade was discussed in May. [S2]", "“May”"),
        ("Trade rose on 03.07.2024. [S2]", "“03.07.2024”"),
        ("Trade rose by 20,7 percent. [S2]", "“20,7”"),
        ("Trade rose by 20.7 percentage points. [S2]", "“20.7 percentage”"),
        ("Trade rose by 20.7 times. [S2]", "“20.7 times”"),
        ("Trade rose threefold. [S2]", "“threefold”"),
        ("China is the fifth largest partner. [S3]", "“fifth”"),
        ("Under 150 countries take part. [S3]", "“150”"),
        ("Trade reached $289\u200b9 million in 2007. [S1]", "“$2899 million”"),
        ("In 2007 trade reached $3.744 billion. [S1] [S2]", "give “$3.744 billion” for another year"),
        ("Trade between China and the US rose in 2024. [S2]", "“US”"),
        ("Trade between China and პუტინი rose. [S2]", "“პუტინი”"),
        ("Trade between China and vonDerLeyen rose. [S2]", "“vonDerLeyen”"),
        ("Trade fell to $289 million in 2007. [S1]", "says the opposite"),
        ("Baku likes allies who interfere, Hazi said. [S4]", "leaves out a denial"),
        ("Hazi said “Baku will fight. [S4]", '“"Baku will fight.”'),
        ("Hazi said »Baku will fight«. [S4]", "“Baku will fight”"),
        ("Hazi said ‚Baku will fight‘. [S4]", "“Baku will fight”"),
        ("Hazi said “Baku “will fight” allies”. [S4]", "“will fight"),
        ("Hazi said “allies … Baku”. [S4]", "“allies … Baku”"),
        ("Trade rose, see https://x.example/a. [S2]", "no plain sentence"),
        ("| trade | rose | [S2]", "no plain sentence"),
        ("3.744 billion, 2024. [S2]", "says nothing"),
        (f"Trade rose{' and rose' * 200}. [S2]", "too long"),
    ],
)
def test_what_a_lying_model_may_try_is_dropped(claim, reason):
    checked = check(claim)
    assert checked.claims == ()
    assert any(reason in dropped.reason for dropped in checked.dropped), checked.dropped


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ("China is the fourth largest partner.", "[S3]"),
        ("Chinese trade with Azerbaijan rose by 20.7 per cent in 2024.", "[S2]"),
        ("President Hazi: Baku does not like allies who interfere.", "[S4]"),
        ("Trade grew from $289 million in 2007 to $3.744 billion in 2024.", "[S1 and S2]"),
        ("$289 million", "[S 1]"),
        ("Over 150 countries take part.", "[S3]"),
        ("Hazi said that Baku “does not like … who interfere”.", "[S4]"),
    ],
)
def test_what_an_honest_model_may_write_stays(claim, sentence):
    checked = check(f"{claim} {sentence}")
    assert [found.text for found in checked.claims] == [claim], checked.dropped


HEDGED = make_candidates(
    (
        "Ten Chinese companies have also reportedly applied to operate in Nagorno-Karabakh.",
        "China plans to build a university in Azerbaijan.",
        "Closer ties could isolate Azerbaijan.",
    )
)


@pytest.mark.parametrize(
    ("claim", "hedge"),
    [
        ("Ten Chinese companies operate in Nagorno-Karabakh. [S1]", "reportedly"),
        ("Ten Chinese companies have applied to operate in Nagorno-Karabakh. [S1]", "reportedly"),
        ("China builds a university in Azerbaijan. [S2]", "plans to"),
        ("Closer ties isolate Azerbaijan. [S3]", "could"),
    ],
)
def test_a_claim_that_leaves_a_hedge_out_is_dropped(claim, hedge):
    checked = check(claim, candidates=HEDGED)
    assert checked.claims == ()
    assert f"it leaves out “{hedge}”" in checked.dropped[0].reason


@pytest.mark.parametrize(
    "claim",
    [
        "Ten Chinese companies have reportedly applied to operate in Nagorno-Karabakh. [S1]",
        "China plans to build a university in Azerbaijan. [S2]",
        "Closer ties could isolate Azerbaijan. [S3]",
    ],
)
def test_a_claim_that_keeps_the_hedge_stays(claim):
    assert len(check(claim, candidates=HEDGED).claims) == 1


def test_a_claim_that_another_sentence_states_outright_needs_no_hedge():
    plain = make_candidates(("Ten Chinese companies operate in Nagorno-Karabakh.", HEDGED[0].sentence.text))
    assert len(check("Ten Chinese companies operate in Nagorno-Karabakh. [S1] [S2]", candidates=plain).claims) == 1


def test_the_words_of_the_question_alone_bear_nothing_out():
    assert not check("Hazi takes bribes from smugglers. [S4]", "Does Hazi take bribes from smugglers?").claims
    assert check("Trade with Azerbaijan rose. [S2]", "How did trade with Azerbaijan rise?").claims


def test_words_in_brackets_are_read_and_not_cut_out():
    assert not check("Trade turnover [never] rose in 2024. [S2]").claims


@pytest.mark.parametrize(
    "reply",
    [
        "Trade (2017 2018 2019 2020 2021 2022 2023 2024 total) rose [S2]",
        "Trade rose [00000000000000000000000000000.]",
        f"Trade rose [S{'9' * 5_000}]",
        f'{{"claims": [{{"text": {"[" * 100_000}',
        f'{{"claims": [{", ".join(["{}"] * 20_000)}]}}'.replace("{}", '{"text": "Trade rose.", "sentences": [2]}'),
        "'a " * 20_000,
        "1 " * 50_000,
        "march 1 " * 10_000,
        "Trade rose by 5%. [S2]\n" * 20_000,
        "- Trade rose in 2024-86. [S2]\n- The sıx countries. [S3]\n- 4 Aprıl. [S4]",
    ],
    ids=range(10),
)
def test_no_reply_crashes_or_takes_long(reply):
    start = time.perf_counter()
    check(reply)
    assert time.perf_counter() - start < 2


def test_a_reply_in_a_fence_or_behind_words_is_read_as_json():
    data = '{"claims": [{"text": "Trade rose in 2024.", "sentences": 2}]}'
    assert len(check(f"```json\n{data}\n```").claims) == 1
    assert len(check(f"Here it is: {data}").claims) == 1
    assert check_reply('{"claims": []}', "What?", CANDIDATES).declined
