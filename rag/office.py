"""DOCX and EPUB: zip files of XML, opened only after their sizes have been looked at."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from rag.formats import Extract, UnreadableError

MOST_MEMBERS, MOST_UNPACKED, MOST_RATIO, SMALL = 5_000, 200_000_000, 100, 5_000_000
"""Of a zip file: members, bytes unpacked, and how often the packed size they may be, unless they are `SMALL`."""

_BLOCKS = frozenset(
    "address article aside blockquote body dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li "
    "main ol p pre section table td th tr ul".split()
)
_UNREAD = frozenset("script style head nav template svg math".split())

_SHOWN = frozenset("r ins moveTo hyperlink smartTag sdt sdtContent fldSimple customXml bdo dir".split())
"""What a paragraph of DOCX holds words in; not what is deleted or moved away, and no text boxes."""

_SIGNS = {"tab": "\t", "ptab": "\t", "cr": "\n", "noBreakHyphen": "-"}


def read_docx(data: bytes) -> Extract:
    """The paragraphs and the tables' cells in their order, and the title of the properties, by python-docx.

    Of the other properties, the author is whoever typed and the date when, so both are left out.
    """
    _open(data, "word/document.xml", "DOCX").close()
    import docx

    document = docx.Document(io.BytesIO(data))
    return Extract("\n\n".join(_read_blocks(document)), document.core_properties.title or "")


def _read_blocks(container: Any) -> Iterator[str]:
    for block in container.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                cells = row._tr.tc_lst  # not row.cells, which holds a cell as often as the file says that it is wide
                texts = (" ".join(map(_read_words, cell.xpath(".//w:p"))) for cell in cells)
                yield " | ".join(text.replace("\n", " ") for text in texts)
        else:
            yield _read_words(block._p)


def _read_words(element: Any) -> str:
    """A paragraph's words as Word shows them, tracked insertions among them, which python-docx leaves out."""
    parts: list[str] = []
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        if name == "t":
            parts.append(child.text or "")
        elif name == "br":
            breaks_line = child.get(f"{child.tag.rpartition('}')[0]}}}type", "textWrapping") == "textWrapping"
            parts.append("\n" if breaks_line else "")
        elif name in _SIGNS:
            parts.append(_SIGNS[name])
        elif name in _SHOWN:
            parts.append(_read_words(child))
    return "".join(parts)


def read_epub(data: bytes) -> Extract:
    """The chapters in reading order, and the package's title, publisher, date and creators."""
    from lxml import etree

    with _open(data, "META-INF/container.xml", "EPUB") as book:
        if "META-INF/encryption.xml" in book.namelist() and "META-INF/rights.xml" in book.namelist():
            raise UnreadableError("encrypted: its chapters are locked")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        container = etree.fromstring(book.read("META-INF/container.xml"), parser)
        place = container.find(".//{*}rootfile")
        if place is None:
            raise UnreadableError("no EPUB: its container names no package")
        root = str(place.get("full-path"))
        package = etree.fromstring(book.read(root), parser)
        items = {item.get("id"): item.get("href") or "" for item in package.iterfind(".//{*}manifest/{*}item")}
        chapters = [items.get(reference.get("idref"), "") for reference in package.iterfind(".//{*}spine/{*}itemref")]
        names = [posixpath.normpath(posixpath.join(posixpath.dirname(root), unquote(href))) for href in chapters]
        present = set(book.namelist())
        texts = [_read_page(book.read(name)) for name in dict.fromkeys(names) if name in present]
    creators = [element.text or "" for element in package.iterfind(".//{*}metadata/{*}creator")]
    title, publisher, published = (_say(package, name) for name in ("title", "publisher", "date"))
    return Extract("\n\n".join(texts), title, publisher, published[:10], ", ".join(filter(None, creators)))


def _say(package: Any, name: str) -> str:
    """The words of the first such element of the package's metadata."""
    return str(package.findtext(f".//{{*}}metadata/{{*}}{name}") or "")


def _read_page(page: bytes) -> str:
    """A chapter's words, one block of text a paragraph."""
    from lxml import etree

    if not page.strip():
        return ""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    root = etree.fromstring(page, parser)
    if root is None:
        return ""
    parts: list[str] = []
    unread = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = str(element.tag)
        unread += (name in _UNREAD) * (1 if event == "start" else -1)
        words = element.text if event == "start" else element.tail
        if name in _BLOCKS:
            parts.append("\n\n")
        if name == "br":
            parts.append(" ")
        if words and not unread:
            parts.append(" ".join(f"|{words}|".split())[1:-1])
    return re.sub(r" {2,}", " ", "".join(parts))


def _open(data: bytes, member: str, name: str) -> zipfile.ZipFile:
    """The zip file, which holds the member and unpacks to no more than is read."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise UnreadableError(f"no {name}: it is no whole zip file") from error
    members = archive.infolist()
    if member not in {each.filename for each in members}:
        raise UnreadableError(f"no {name}: it holds no {member}")
    if any(each.flag_bits & 1 for each in members):
        raise UnreadableError("encrypted: save it without a password")
    unpacked = sum(each.file_size for each in members)
    if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED or unpacked > max(SMALL, MOST_RATIO * len(data)):
        raise UnreadableError(f"it unpacks to {unpacked:,} bytes in {len(members):,} files, more than is read")
    return archive
