"""Files of the formats of an archive, made by hand, and how their articles are read."""

import io
import zipfile

import docx
from pypdf import PdfReader, PdfWriter

from rag.articles import read_articles

LIMIT = 1_000_000
BRIDGE = "The new bridge at Poti cost 48 million euros, the ministry of transport said on Tuesday."
CARS = "“It will carry 9,000 cars a day,” said Nino Beridze, the engineer in charge of the works."
PORT = "The port of Anaklia employed 312 people at the end of 2023, according to its director."
PAGE = f"""<!doctype html><html lang="en"><head><title>Bridge opens | The Herald</title>
<meta property="og:title" content="Bridge opens"><meta property="og:site_name" content="The Herald">
<meta name="author" content="Ann Writer"><meta property="article:published_time" content="2024-03-05T10:00:00Z">
</head><body><nav><a href="/">Home</a> <a href="/x">Subscribe now</a></nav><script>var hidden = "secret";</script>
<article><h1>Bridge opens</h1><p>{BRIDGE}</p><p>{CARS}</p></article>
<footer>Copyright 2024 The Herald. All rights reserved.</footer></body></html>"""


def read(config):
    return list(read_articles(config.corpus, LIMIT, config.index))


def make_pdf(lines, **metadata):
    """A page with a line of text each 14 points, written by hand so that nothing else is in it."""
    shown = "".join(f"({line}) Tj 0 -14 Td " for line in lines)
    stream = f"BT /F1 11 Tf 50 750 Td {shown}ET".encode("latin-1")
    title = metadata.get("title", "")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        f"<</Title({title})>>".encode(),
    ]
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 7/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF" % len(data)
    return data + b"xref\n0 7\n0000000000 65535 f \n" + table + end


def encrypt(data):
    writer, buffer = PdfWriter(), io.BytesIO()
    writer.append(PdfReader(io.BytesIO(data)))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(buffer)
    return buffer.getvalue()


def make_docx():
    document, buffer = docx.Document(), io.BytesIO()
    document.core_properties.title = "Works report"
    document.add_heading("The bridge", 1)
    document.add_paragraph(BRIDGE)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Cars", "9,000"
    document.add_paragraph(CARS)
    document.save(buffer)
    return buffer.getvalue()


def make_zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def make_epub(**members):
    chapter = "<html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title></head><body>{}</body></html>"
    return make_zip(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>"
            "<rootfile full-path='OEBPS/book.opf'/></rootfiles></container>",
            "OEBPS/book.opf": "<package xmlns='http://www.idpf.org/2007/opf' xmlns:dc='http://purl.org/dc/elements/1.1/'>"
            "<metadata><dc:title>Roads</dc:title><dc:creator>Ann Writer</dc:creator><dc:creator>Bo Co</dc:creator>"
            "<dc:publisher>Press</dc:publisher><dc:date>2023-05-06T00:00:00Z</dc:date></metadata><manifest>"
            "<item id='b' href='two%20b.xhtml'/><item id='a' href='one.xhtml'/><item id='c' href='../../etc/passwd'/>"
            "</manifest><spine><itemref idref='a'/><itemref idref='c'/><itemref idref='b'/></spine></package>",
            "OEBPS/two b.xhtml": chapter.format(f"<p>{CARS}</p><script>no</script>"),
            "OEBPS/one.xhtml": chapter.format(
                f"<h1>The <i>br</i>idge</h1><p>{BRIDGE.replace(' cost', '<br/> cost')}</p>"
            ),
            **members,
        }
    )
