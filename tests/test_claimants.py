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
        ("Police spoke of 4,000 protesters, organisers of 15,000.", ["15,000"]),
        ("Police counted 4,000 (the organisers 15,000).", ["15,000"]),
        ("According to the police, 4,000 came; according to the organisers, 15,000 did.", ["15,000"]),
        ("Police said 12 people died, and the hospital said 340 were injured.", []),
        ("The exit poll gives Labour 410 seats, the Conservatives 131.", []),
        ("The poll puts Smith at 48%, Jones at 45%.", []),
        ("The ministry said 40 died in 2023, while the union said 12 died in 2024.", []),
        ("The president said trade reached $3bn, while Aliyev said it would reach $5bn by 2030.", []),
        ("NASA said five satellites flew, and SpaceX said Falcon 9 was ready.", []),
        ("The minister said the talks began in 2020, and the mayor said the works ended in 2022.", []),
        ("Germany gave €5m, and France gave €3m.", []),
        ("BP reported profits of $3bn, Shell $5bn.", []),
        ("The ministry said Baku had 40 hospitals, Ganja 12.", []),
        ("On Monday police said 12 had died, and on Tuesday police said 40 had.", []),
        ("At first police said 12 had died, later police said 40.", []),
        ("Aliyev said 12 died, and he said 40 were hurt.", []),
        ("Xi said 12 died, and Xi Jinping said 40 did.", []),
        ("According to the union it was 12, and according to the union 15 came.", []),
        ("4,000 marched, police said, but organisers counted 15,000.", ["15,000"]),
        ("About 4,000 people marched, according to police; organisers put it at 15,000.", ["15,000"]),
        ("About 4,000 people marched according to police, while organisers spoke of 15,000.", ["15,000"]),
        ("The march drew 4,000 people, said police, and 15,000, according to the organisers.", ["15,000"]),
        ("The crowd was put at 4,000 by police and at 15,000 by the organisers.", ["15,000"]),
        ("Police said 4,000 marched on Sunday, but 15,000 did, the organisers said on Monday.", ["15,000"]),
        ("At least 12 people died, the ministry said late on Friday, and 40 did, according to the union.", ["40"]),
        ("Twelve died, police said, and 40 were hurt, the hospital said.", []),
        ("Twelve died, police said, and 40 did, police said.", []),
        ("Three people were killed by police and 5 by rebels.", []),
        ("Between 3 and 5 people came, police said.", []),
        ("Twelve died in 2023, police said, and the hospital said 40 died in 2024.", []),
        ("Sales rose 3% by March and 5% by June.", []),
        ("Output was put at 3,000 by March and at 5,000 by June.", []),
        ("The bank was given $3m by Norway and $5m by Sweden.", []),
        ("Twelve died, he said, and 40 did, the union said.", []),
        ("About 4,000 marched, the mayor of Baku said, and a trader said 15,000 did.", ["15,000"]),
    ],
)
def test_only_what_another_claims_is_a_rival(text, rivals):
    values = find_values(text)
    assert [rival.text for rival in find_rival_claims(text, values, values[0])] == rivals


def test_a_hostile_sentence_takes_no_long_time():
    text = "Police said " + "the a b c d e, " * 20_000 + "12 died"
    assert find_rival_claims(text, find_values(text), find_values(text)[0]) == []
