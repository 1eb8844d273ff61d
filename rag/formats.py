"""What an article file of a format other than plain text says: its words in reading order, and its own details.

Files are untrusted: each reader gets bytes, opens nothing else, and works within limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

READERS = {".html": "html", ".htm": "html", ".pdf": "pdf", ".docx": "docx", ".epub": "epub"}
"""The reader of each suffix."""

VERSIONS = {"html": 1, "pdf": 2, "docx": 2, "epub": 1}
"""Of our readers; a higher number has stored extractions of that reader made anew."""

MOST_CHARACTERS = 10_000_000
"""Of one extracted text."""

MOST_HTML_BYTES, MOST_TAGS = 5_000_000, 50_000
"""Of a page; the time that trafilatura takes grows with its tags."""

_MARKUP = re.compile(r"<(?:!doctype\s+html|html|head|body|article|main|section|div|h[1-6]|p)\b", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\ufeff\ufffe\uffff]")


class UnreadableError(ValueError):
    """The file is no article; the message is the reason that a person is told."""


@dataclass(frozen=True, slots=True)
class Extract:
    """A file's words, paragraphs parted by a blank line, and what it says about itself ("" where it does not)."""

    text: str
    title: str = ""
    publisher: str = ""
    published: str = ""
    author: str = ""


def extract(data: bytes, reader: str) -> Extract:
    """The file's words by one of `READERS`. Raises UnreadableError with the reason where there are none."""
    try:
        found = _read(data, reader)
    except UnreadableError:
        raise
    except ImportError as error:
        raise UnreadableError(
            f"its reader lacks {error.name}: python -m pip install 'citewell[formats]' && citewell index --rebuild"
        ) from error
    except MemoryError as error:
        raise UnreadableError("reading it takes too much memory") from error
    except Exception as error:  # the parsers meet damaged files with errors of any kind, and document none of them
        raise UnreadableError(f"damaged: it cannot be read as {reader.upper()} ({type(error).__name__})") from error
    if len(found.text) > MOST_CHARACTERS:
        raise UnreadableError(f"it holds more than {MOST_CHARACTERS:,} characters")
    text = clean(found.text)
    if not text:
        raise UnreadableError("it holds no text")
    details = {name: _line(getattr(found, name)) for name in ("title", "publisher", "published", "author")}
    return replace(found, text=text, **details)


def _read(data: bytes, reader: str) -> Extract:
    from rag.office import read_docx, read_epub  # with the parsers that they import, not for plain text alone
    from rag.pdf import read_pdf

    return {"html": read_html, "pdf": read_pdf, "docx": read_docx, "epub": read_epub}[reader](data)


def read_html(data: bytes) -> Extract:
    """A page's main text without its menus and footers, by trafilatura, and what its metadata says."""
    if len(data) > MOST_HTML_BYTES:
        raise UnreadableError(f"larger than a page of {MOST_HTML_BYTES:,} bytes")
    page = _decode(data)
    if not _MARKUP.search(page):
        raise UnreadableError("no HTML: it holds no tags of a page")
    if page.count("<") > MOST_TAGS:
        raise UnreadableError(f"it has more than {MOST_TAGS:,} tags")
    from trafilatura import bare_extraction  # a third of a second

    found = bare_extraction(
        page,
        include_comments=False,
        with_metadata=True,
        date_extraction_params={"original_date": True, "extensive_search": False},  # no guesses from the text
    )
    if found is None or isinstance(found, dict) or not found.text:
        raise UnreadableError("it holds no article text")
    text = re.sub(r"\n(?!- )", "\n\n", found.text)
    return Extract(text, found.title or "", found.sitename or "", found.date or "", found.author or "")


def _decode(data: bytes) -> str:
    """The page as UTF-8, or else in the encoding that it names."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        named = _CHARSET.search(data[:4_096])
        if not named:
            raise UnreadableError("neither UTF-8 nor in an encoding that it names") from error
    try:
        return data.decode(named[1].decode("ascii"))
    except (LookupError, UnicodeError) as error:
        raise UnreadableError(f"not in the encoding that it names, {named[1].decode('ascii')}") from error


def decode(data: bytes) -> str:
    """Plain text as UTF-8. Raises UnreadableError where it is none."""
    if b"\0" in data:
        raise UnreadableError("binary: it holds NUL bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8: byte 0x{data[error.start]:02x} at position {error.start}") from error


def clean(text: str) -> str:
    """The text with "\\n" for every line break, at most one blank line in a row, and nothing that UTF-8 cannot hold."""
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    text = _UNWANTED.sub("", text).encode("utf-8", "replace").decode("utf-8")
    lines = (line.strip(" \t\u00a0") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _line(text: str) -> str:
    """A detail on one line, at most 300 characters of it."""
    return " ".join(clean(text[:2_000]).split())[:300]
