"""Judgements that pull apart: which way a sentence leans, and whether a question asks for a judgement at all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence

from rag.converse import Standalone
from rag.words import stem_word

REACH = 8
"""Words before a leaning one that may turn it round."""

PRAISES = (
    "This will help and bring great benefits.",
    "It is good, promising and welcome, a blessing.",
    "It strengthens, improves and saves it.",
    "They praise and support it, with trust and hope.",
)
WARNINGS = (
    "This will harm and bring great damage.",
    "It is bad, dangerous and worrying, a curse.",
    "It weakens, threatens and destroys it.",
    "They warn of it and condemn it, with doubt and fear.",
)
LEAST_PLACE = 0.05
"""How far from the middle between them a sentence must stand."""

_ASKS = re.compile(
    r"\b(?:effects?|impacts?|influence on|consequences?|implications?|outcome|prospects?|benefits?|advantages?|"
    r"downsides?|drawbacks?|risks?|dangers?|threats?|opportunit\w+|good|bad|better|worse|worth|help|harm|hurt|"
    r"gain|lose|profit|suffer|strengthen|weaken|improve|worsen|damage|change|affect|mean for|do (?:to|for)|judge|"
    r"see|view|regard|assess|rate|think|opinions?|judg\w+|trust\w*|threaten|worry|worries|concerns?|welcome|"
    r"support|safe|dangerous|serve|succeed|fail|dependen\w+|independen\w+|interfere\w*|control|strings attached|"
    r"(?:un)?attractive|speed up|hold back|stall|"
    r"(?:attach\w*|impose[sd]?|set|come with) (?:[\w’'-]+ ){0,2}(?:conditions|strings)|"
    r"(?:do|does|did|would) (?:[\w’'-]+ ){1,3}mind|"
    r"mean|done (?:to|for)|(?:will|would|could|might|may) (?:[\w’'-]+ ){1,6}(?:bring|cost (?:us|them|the))|"
    r"^\W*what (?:is|are|was|were) (?:[\w’'-]+ ){1,8}like(?=\W*$))\b",
    re.IGNORECASE,
)
_ASKS_FACT = re.compile(
    r"^\W*(?:(?:and|but|so|in|on|at|to|from|by|for|with|of|during|after|before|under|between|since|about|into) )*"
    r"(?:which|who|whom|whose|where|when|why)\b|\b(?:know|known|tell \w+|say|says) (?:which|who|where|when|why)\b|"
    r"\b(?:according to|in the (?:view|opinion|words) of|did [\w ]+ (?:say|warn|tell|claim|think)|say|said|"
    r"how many|how much|how fast|(?:what|which) (?:rate|pace|percentage|share)|"
    r"and (?:how|what|is|are|did|does|do|has|have|was))\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")

_GOOD = (
    "benefit gain advantage advantageous opportunity growth grow prosper prosperity boost improve improvement "
    "strengthen strong enhance lift help save spare protect secure safe safety success successful succeed blessing "
    "welcome praise hail promising promise trust trustworthy reliable honest mutual equality respect friendship "
    "independence autonomy sovereignty freedom free stable stability peace peaceful wise wisdom progress advance "
    "innovation modern attractive positive good great better best win winner hope hopeful proud cheap cheaper clean "
    "relief recover recovery thrive flourish bring revive support popular happy glad breakthrough merit valuable "
    "safer safest stronger powerful quick quicker "
    "useful efficient foster encourage prestige triumph cure heal enrich counterbalance counterweight diversify"
)
_BAD = (
    "harm damage hurt loss lose loser risk danger dangerous threat threaten weaken weak worsen worse worst bad "
    "destroy ruin kill curse disaster disastrous crisis decline collapse shrink standstill stagnation stagnate "
    "dependent dependence dependency debt isolate isolation espionage spy launder laundering corruption corrupt "
    "authoritarian autocracy kleptocratic ruthless accuse accusation warn warning fear worry worrying concern "
    "anxious doubt doubtful criticise criticize criticism condemn oppose opposition reject negative problem trouble "
    "pollute pollution poison dirty noise expensive waste burden exploit hoard unfair unjust abuse violate "
    "violation repress oppress interfere interference drain erode undermine sink drown lack fail failure scandal "
    "mistake wrong fiasco nightmare useless pointless vulnerable suffer victim conflict war tension strain hostile "
    "unsafe ugly regret risky riskier slow slower dearer costly costlier unreliable weaker poorer hurdle obstacle"
)
_TURNS = (
    "not no never neither nor without hardly barely scarcely little few nobody nothing none unlikely cannot reduce "
    "lower cut prevent avoid end stop stem curb ease escape overcome resist deny denied lessen diminish less fewer "
    "doubt doubts doubted fail fails failed lack lacks lose loses against free"
)
_LEANING = {stem_word(word): 1 for word in _GOOD.split()} | {stem_word(word): -1 for word in _BAD.split()}
_TURNING = frozenset(stem_word(word) for word in _TURNS.split())


def asks_judgement(question: Standalone) -> bool:
    """Whether the question asks for an effect, a prospect or an opinion, on which articles may pull apart."""
    own = question.question[question.focus :]
    return bool(_ASKS.search(own)) and not _ASKS_FACT.search(own)


def find_leaning(sentence: str, similarity: Callable[[str, str], float]) -> int:
    """1 for a sentence that speaks well of something, -1 for one that speaks ill of it, 0 for one that does neither.

    By its words; a word behind one that turns it round ("not", "reduce", "unlikely") counts for the other side. Where
    these do not tell, by its cosines with sentences that praise and that warn (An et al., 2018, "SemAxis").
    """
    leaning = sum(_leanings(sentence))
    if leaning:
        return 1 if leaning > 0 else -1
    place = _find_place(sentence, similarity)
    return 0 if abs(place) < LEAST_PLACE else 1 if place > 0 else -1


def _find_place(sentence: str, similarity: Callable[[str, str], float]) -> float:
    """Where the sentence stands on the line from the warnings, below 0, to the praises."""
    length = _difference([_mean(one, similarity) for one in PRAISES], [_mean(one, similarity) for one in WARNINGS])
    own = _mean(sentence, similarity)
    middle = [_mean(one, similarity) for one in (*PRAISES, *WARNINGS)]
    return (own - sum(middle) / len(middle)) / math.sqrt(max(length, 1e-6))


def _difference(praises: Sequence[float], warnings: Sequence[float]) -> float:
    return sum(praises) / len(praises) - sum(warnings) / len(warnings)


def _mean(sentence: str, similarity: Callable[[str, str], float]) -> float:
    return _difference([similarity(sentence, one) for one in PRAISES], [similarity(sentence, one) for one in WARNINGS])


def _leanings(sentence: str) -> Iterator[int]:
    words = [match[0].lower() for match in _WORD.finditer(sentence)]
    found = [stem_word(word) for word in words]
    for place, stem in enumerate(found):
        leaning = _LEANING.get(stem, 0)
        if leaning:
            before = found[max(0, place - REACH) : place]
            turns = sum(
                other in _TURNING or words[max(0, place - REACH) + number].endswith(("n't", "n’t"))
                for number, other in enumerate(before)
            )
            yield leaning * (-1) ** turns
