"""A PDF's text layer by pypdf, with the lines of each paragraph joined again."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rag.formats import MOST_CHARACTERS, Extract, UnreadableError

MOST_PAGES, MOST_OPERATORS, MOST_STREAM, MOST_DRAWN = 2_000, 2_000_000, 10_000_000, 50_000_000
"""Pages and drawing operations of a file; bytes of one unpacked stream, and of what all pages together draw."""

FULL_LINE = 0.75
"""Share of the page's usual line length; a shorter line ends a paragraph."""

MOST_RUNNING, FEW_PAGES, RUNNING = 2, 3, 0.4
"""Lines at the top, and at the bottom, that may run on; pages, and their share, that one has to run on.

Left and right pages often have different ones.
"""

_NUMBER = re.compile(r"\d+")
_HYPHEN = re.compile(r"[^\W\d_][-\u00ad]$")
_PAGE_NUMBER = re.compile(r"(?:page )?\d{1,4}(?: ?(?:/|of) ?\d{1,4})?", re.IGNORECASE)


def read_pdf(data: bytes) -> Extract:
    """The words of every page. Raises UnreadableError for an encrypted file, and one without a text layer."""
    if not data.startswith(b"%PDF-"):
        raise UnreadableError("no PDF: it does not begin with %PDF-")
    from pypdf import PdfReader  # a fifth of a second
    from pypdf.errors import LimitReachedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports each oddity of a file on stderr
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        raise UnreadableError("encrypted: save it without a password")
    if len(reader.pages) > MOST_PAGES:
        raise UnreadableError(f"it has more than {MOST_PAGES:,} pages")
    try:
        text = _read_pages(reader)
    except LimitReachedError as error:
        raise UnreadableError("it unpacks to more than is read of a PDF") from error
    if not text.strip():
        raise UnreadableError("it holds no text, only images: it needs text recognition first")
    title = reader.metadata.title if reader.metadata else ""
    return Extract(text, title if isinstance(title, str) else "")


def _read_pages(reader: Any) -> str:
    from pypdf import apply_configuration

    operators = characters = drawn = 0

    def count(*_: Any) -> None:
        nonlocal operators
        operators += 1
        if operators > MOST_OPERATORS:
            raise UnreadableError("its pages are too complex to read")

    pages: list[str] = []
    with apply_configuration(
        zlib_maximum_output_length=MOST_STREAM, array_based_stream_maximum_output_length=MOST_STREAM
    ):
        for page in reader.pages:
            contents = page.get_contents()
            drawn += len(contents.get_data()) if contents is not None else 0
            if drawn > MOST_DRAWN:
                raise UnreadableError("its pages are too complex to read")
            text = page.extract_text(visitor_operand_before=count)
            count()  # pypdf takes an error within a page's forms for a broken form
            characters += len(text)
            if characters > MOST_CHARACTERS:
                raise UnreadableError(f"it holds more than {MOST_CHARACTERS:,} characters")
            pages.append(text)
    pages = drop_running_lines(pages)
    words = set(re.findall(r"[\w-]+", "\n".join(pages)))
    return "\n\n".join(join_lines(page, words) for page in pages)


def drop_running_lines(pages: Sequence[str]) -> list[str]:
    """The pages without the lines that run at the top or bottom of many, whatever numbers are in them.

    A page of nothing else keeps them.
    """
    lines = [page.strip().splitlines() for page in pages]
    for place in (0, -1):
        for _ in range(MOST_RUNNING):
            patterns = [_NUMBER.sub("#", own[place].strip()) if len(own) > 1 else "" for own in lines]
            counts = Counter(filter(None, patterns))
            running = {line for line, count in counts.items() if count >= max(FEW_PAGES, RUNNING * len(pages))}
            for number, pattern in enumerate(patterns):
                if pattern in running:
                    kept = lines[number][1:] if place == 0 else lines[number][:-1]
                    lines[number] = "\n".join(kept).strip("\n").splitlines()
    return ["\n".join(own) for own in lines]


def join_lines(page: str, words: set[str]) -> str:
    """The page's lines as paragraphs, parted by blank lines; a number alone at its top or bottom is left out.

    A hyphen at a line's end goes where the whole word stands among `words`, and stays otherwise.
    """
    lines = [line.strip() for line in page.splitlines()]
    for place in (0, -1):
        if lines and _PAGE_NUMBER.fullmatch(lines[place]):
            lines.pop(place)
    lengths = sorted(len(line) for line in lines if line)
    usual = lengths[int(0.8 * (len(lengths) - 1))] if lengths else 0
    text, before = "", ""
    for line in lines:
        if before and line and len(before) >= FULL_LINE * usual:
            text = _join(text, line, words)
        else:
            text += f"\n\n{line}" if text and line else line
        before = line
    return text


def _join(text: str, line: str, words: set[str]) -> str:
    if not _HYPHEN.search(text) or not line[0].islower():
        return f"{text} {line}"
    head, tail = re.search(r"[\w-]*$", text[:-1]), re.match(r"[\w-]*", line)
    whole = (head[0] if head else "") + (tail[0] if tail else "")
    return text[:-1] + line if whole in words or text[-1] == "\u00ad" else text + line
