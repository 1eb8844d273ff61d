"""Where a text opens and closes quotations, in any marks; one pass, however long and careless the text is."""

from __future__ import annotations

import re

_CLOSERS = {
    "“": ("”", '"'),
    "„": ("“", "”", '"'),
    "«": ("»",),
    "»": ("«",),
    "‹": ("›",),
    "›": ("‹",),
    "‘": ("’", "'"),
    "‚": ("‘", "’"),
    '"': ('"', "”"),
    "'": ("'", "’"),
    "”": ("”",),
    "``": ("''",),
    "「": ("」",),
    "『": ("』",),
    "《": ("》",),
    "〈": ("〉",),
    "〝": ("〞", "〟"),
    "❝": ("❞",),
    "＂": ("＂",),
}
"""Marks that may end a quotation, by the one that opens it; careless texts mix them."""

_OPENERS = {
    closer: [mark for mark, ends in _CLOSERS.items() if closer in ends]
    for closers in _CLOSERS.values()
    for closer in closers
}
_SURE = frozenset("“„«「『《〈〝❝")
"""Marks that open wherever they stand, unless they close one that is open."""

_SIGNS = re.escape("".join({*"".join(_CLOSERS), *"".join(_OPENERS)} - {"`"}))
_MARK, _MARK_OF_TEX = re.compile(f"[{_SIGNS}]"), re.compile(f"``|''|[{_SIGNS}]")
_SINGLE = re.compile("[‘’'”»\"]")
_ENDS = frozenset(".,!?…%")
_WORD_AHEAD = re.compile("[‘’'“«\"]?[^\\W_]")
_ELISION = re.compile(r"['‘’](?:\d0s|tis|twas|em|til|cause)\b", re.IGNORECASE)


def find_marked(text: str, start: int, end: int) -> tuple[list[tuple[int, int]], int]:
    """The quotations between two places of a text, without their marks, in order; of nested ones the outer.

    Also where the words behind the first mark start that nothing closes; -1 where all marks close.
    """
    possessives = _find_possessives(text, start, end)
    stack: list[tuple[str, int]] = []
    waiting = dict.fromkeys(_CLOSERS, 0)
    pairs: list[tuple[int, int]] = []
    marks = _MARK if text.find("``", start, end) < 0 else _MARK_OF_TEX
    for match in marks.finditer(text, start, end):
        mark, place = match[0], match.start()
        if mark in _OPENERS and place not in possessives and _closes(text, match, waiting):
            while stack[-1][0] not in _OPENERS[mark]:
                waiting[stack.pop()[0]] -= 1
            opener, opening = stack.pop()
            waiting[opener] -= 1
            pairs.append((opening, place))
        elif mark in _CLOSERS and _opens(text, match, waiting):
            stack.append((mark, match.end()))
            waiting[mark] += 1
    return _outer(pairs), stack[0][1] if stack else -1


def _closes(text: str, mark: re.Match[str], waiting: dict[str, int]) -> bool:
    """Whether a mark ends a quotation that is open."""
    for opener in _OPENERS[mark[0]]:
        if waiting[opener]:
            break
    else:
        return False
    before, after = text[mark.start() - 1], text[mark.end() : mark.end() + 1]
    if mark[0] in "’'":
        return not before.isspace() and not after.isalnum()
    if mark[0] == '"':
        spaced = before.isspace() or before in "([“‘—–"
        return not spaced or not after or after.isspace()
    if mark[0] in "“‘«‹":
        return not after.isalnum() or (mark[0] in "«‹" and not before.isspace())
    return True


def _opens(text: str, mark: re.Match[str], waiting: dict[str, int]) -> bool:
    """Whether a mark can open a quotation: nothing but a border before it, and a word behind it."""
    before, after = text[max(0, mark.start() - 1) : mark.start()], text[mark.end() : mark.end() + 1]
    if not after:
        return False
    if mark[0] in _SURE:
        return True
    if before.isalnum() or _ELISION.match(text, mark.start()):
        return False
    if mark[0] == '"' and after.isspace():
        return before.isspace()
    if mark[0] in "”»›‚":
        swedish = mark[0] != "”" or not (waiting["“"] or waiting['"'])
        return swedish and after.isalnum() and before not in _ENDS
    return not after.isspace() and before not in _ENDS


def _find_possessives(text: str, start: int, end: int) -> set[int]:
    """The places of marks behind a plural which a later mark closes: the first one of "‘the students’ vote’"."""
    found: set[int] = set()
    closes_later = False
    for match in reversed(list(_SINGLE.finditer(text, start, end))):
        place = match.start()
        before, after = text[max(0, place - 1) : place], text[place + 1 : place + 2]
        if match[0] in '”»"' or (match[0] in "‘'" and not before.isalnum() and after.isalnum()):
            closes_later = False
        elif after.isalnum() or not before or before.isspace():
            continue
        elif before in "sS" and after == " " and _WORD_AHEAD.match(text, place + 2):
            if closes_later:
                found.add(place)
        else:
            closes_later = True
    return found


def _outer(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    outer: list[tuple[int, int]] = []
    for pair in sorted(pairs):
        if not outer or pair[0] >= outer[-1][1]:
            outer.append(pair)
    return outer
