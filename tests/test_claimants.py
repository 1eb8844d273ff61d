"""Which values one sentence gives in the words of different people."""

import pytest

from rag.claimants import find_rival_claims
from rag.values import find_values


@pytest.mark.parametrize(
    ("text", "rivals"),
    [
        ("Police put the crowd at 4,000; the organisers claimed 15,000.", ["15,000"]),
        ("According to police 4,000 marched, but organisers spoke of 15,000.", ["15,000"]),
        ("The ministry says 12 died, whereas the opposition claims at least 40 did.", ["at least 40"]),
        ("Organisers estimated the crowd at 15,000, police at 4,000.", ["4,000"]),
        ("Greenpeace counted 40 dead birds, the ministry 12.", ["12"]),
        ("The council said it would cost $3m, but critics believe it will be $5m.", ["$5m"]),
        ("He said 12 died and that 40 were hurt.", []),
        ("He said 12 died, and he said 40 were hurt.", []),
        ("The ministry said 12 died, 40 were hurt and 3 were missing.", []),
        ("The company said sales were $3m, profits of $1m.", []),
        ("Police said 12 died, and another 40 are in hospital.", []),
        ("The minister said 12 died, and the opposition claims twelve did.", []),
        ("The police counted 40 cars, and the mayor said it took 3 days.", []),
        ("Twelve died, and 40 were hurt.", []),
    ],
)
def test_only_what_another_claims_is_a_rival(text, rivals):
    values = find_values(text)
    assert [rival.text for rival in find_rival_claims(text, values, values[0])] == rivals


def test_a_hostile_sentence_takes_no_long_time():
    text = "Police said " + "the a b c d e, " * 20_000 + "12 died"
    assert find_rival_claims(text, find_values(text), find_values(text)[0]) == []
