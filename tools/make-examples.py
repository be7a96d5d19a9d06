#!/usr/bin/python3
"""Make the PDF files of examples/documents, the same bytes every time.

Maintainers run this after changing a text; building and running cloister never
does. The sources are tools/examples/FOLDER/NAME.txt, one for each PDF:

    layout: gentium                 a few "key: value" lines, then an empty line
    title: Supply Agreement         (title, author, subject and date also become
    date: 2021-03-08T16:20:00        the PDF's own metadata)

    = SUPPLY AGREEMENT              title; "~ x" is a centered line
    # 1. Definitions                heading, listed by @toc
    1.1 **Products.** Text ...      a clause: the label hangs
      (a) text                      two spaces deeper: one level deeper
    | a | b |                       table row; a row of dashes ends its head
    @sign                           columns of signatures, split at "|"
    any other text                  a paragraph; **bold**, _italic_, "\\" breaks a line

tools/examples/typeset.py sets the pages. XML documents are written by hand where
they lie and are not touched here. What is odd on purpose (scanned, encrypted, cut
off ...) is made from such a text too: the source's "make:" line or the table
DERIVED says how.

    apt-get install python3-reportlab python3-pil python3-pyphen qpdf \\
        poppler-utils fonts-liberation2 fonts-crosextra-carlito \\
        fonts-crosextra-caladea fonts-sil-gentium-basic fonts-lato fonts-ebgaramond
    tools/make-examples.py              write examples/documents
    tools/make-examples.py --check      compare instead of writing

Same bytes means: with the versions in Debian 12. Other versions of the fonts or
of zlib give files that differ in bytes and look alike.
"""

import io
import random
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SOURCES = TOP / "tools" / "examples"
DOCUMENTS = TOP / "examples" / "documents"
PASSWORDS = TOP / "examples" / "passwords.txt"

sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCES))

from PIL import Image, ImageChops, ImageDraw, ImageFilter  # noqa: E402
from reportlab.lib.utils import ImageReader  # noqa: E402
from reportlab.pdfgen.canvas import Canvas  # noqa: E402
from typeset import HEIGHT, WIDTH, pdf_build, source_read, text_curl  # noqa: E402

# ---- what is odd on purpose --------------------------------------------------------


def tool_run(data, *command):
    """Run a filter over a PDF: {in} and {out} stand for the files."""
    with tempfile.TemporaryDirectory() as folder:
        names = {"{in}": folder + "/in.pdf", "{out}": folder + "/out"}
        Path(names["{in}"]).write_bytes(data)
        subprocess.run([names.get(a, a) for a in command], check=True)
        made = sorted(Path(folder).glob("out*"))
        return [p.read_bytes() for p in made]


def pdf_compress(data, _):
    """Object streams and a cross-reference stream, as newer writers make them."""
    return tool_run(data, "qpdf", "--deterministic-id", "--object-streams=generate",
                    "{in}", "{out}")[0]


def pdf_encrypt(data, keys):
    """128-bit AES: of the newer handlers' keys no run is like the other."""
    return tool_run(data, "qpdf", "--static-id", "--static-aes-iv", "--encrypt",
                    keys["password"], "keeper-of-the-archive", "128", "--use-aes=y",
                    "--", "{in}", "{out}")[0]


def pdf_restrict(data, _):
    """Opens without a password, but its owner forbids taking the text out."""
    return tool_run(data, "qpdf", "--static-id", "--static-aes-iv", "--encrypt", "",
                    "keeper-of-the-archive", "128", "--use-aes=y", "--extract=n",
                    "--modify=none", "--", "{in}", "{out}")[0]


def page_scan(image, rng):
    """A clean page as an old office scanner would have seen it."""
    paper = Image.new("L", image.size, 250)
    turned = image.rotate(rng.uniform(-0.9, 0.9), Image.BICUBIC, fillcolor=252)
    paper = ImageChops.darker(paper, turned)
    draw = ImageDraw.Draw(paper)
    for _ in range(90):
        x, y = rng.randrange(image.width), rng.randrange(image.height)
        r = rng.choice((0, 0, 1))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=rng.randrange(90, 200))
    for y in (0.12, 0.5, 0.88):  # holes of the binder
        x, y, r = 34, int(image.height * y), 13
        draw.ellipse((x - r, y - r, x + r, y + r), fill=60)
    grain = Image.frombytes("L", image.size, rng.randbytes(image.width * image.height))
    paper = ImageChops.subtract(paper, grain.point(lambda v: v // 24))
    return paper.filter(ImageFilter.GaussianBlur(0.55))


def pdf_scan(data, keys):
    """Pictures of pages and not one letter of text."""
    rng = random.Random(keys["title"])
    out = io.BytesIO()
    c = Canvas(out, pagesize=(WIDTH, HEIGHT))
    c.setTitle(keys.get("scan-title", ""))
    c.setCreator(keys.get("creator", ""))
    c.setAuthor("")
    for page in tool_run(data, "pdftoppm", "-r", "110", "-gray", "{in}", "{out}"):
        jpeg = io.BytesIO()
        page_scan(Image.open(io.BytesIO(page)), rng).save(jpeg, "JPEG", quality=42)
        c.drawImage(ImageReader(jpeg), 0, 0, WIDTH, HEIGHT)
        c.showPage()
    c.save()
    return out.getvalue()


MAKERS = {"compress": pdf_compress, "encrypt": pdf_encrypt, "restrict": pdf_restrict,
          "scan": pdf_scan}


def docx_build(path):
    """A word processor's file: a ZIP archive, which cloister does not read."""
    paragraphs = path.read_text(encoding="utf-8").strip().split("\n\n")
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    rel = "http://schemas.openxmlformats.org/package/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    app = "application/vnd.openxmlformats-"
    body = "".join("<w:p><w:r><w:t>%s</w:t></w:r></w:p>" % text_curl(
        p.replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;"))
        for p in paragraphs)
    parts = {
        "[Content_Types].xml":
            '<Types xmlns="%s"><Default Extension="rels" ContentType="%spackage.'
            'relationships+xml"/><Override PartName="/word/document.xml" ContentType='
            '"%sofficedocument.wordprocessingml.document.main+xml"/></Types>'
            % (types, app, app),
        "_rels/.rels":
            '<Relationships xmlns="%s"><Relationship Id="rId1" Type="%s/officeDocument"'
            ' Target="word/document.xml"/></Relationships>' % (rel, office),
        "word/document.xml":
            '<w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (w, body),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            info = zipfile.ZipInfo(name, (2022, 6, 14, 9, 30, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return out.getvalue()


def cut_off(data):
    """The first part of a copy that was broken off: no trailer, no page tree."""
    return data[:len(data) * 3 // 5]


DERIVED = [  # what is made, of what, how
    ("odd/archive/2019 Corvane license (copy).pdf",
     "contracts/corvane-software-license.pdf", bytes),
    ("odd/interrupted-copy.pdf", "contracts/brightwater-supply.pdf", cut_off),
]

# ---- all of it ---------------------------------------------------------------------


def documents_make():
    """Every file of the set as a dict: path below examples/documents, bytes."""
    made = {}
    for path in sorted(SOURCES.glob("*/*.txt")):
        name = path.relative_to(SOURCES)
        if path.name.endswith(".docx.txt"):
            made[str(name.with_suffix(""))] = docx_build(path)
            continue
        keys, data = pdf_build(path)
        if "make" in keys:
            data = MAKERS[keys["make"]](data, keys)
        made[keys.get("name", str(name.with_suffix(".pdf")))] = data
    for name, source, change in DERIVED:
        made[name] = change(made[source])
    return made


def passwords_make():
    """The passwords of the encrypted documents, one a line."""
    sources = [p for p in sorted(SOURCES.glob("*/*.txt")) if ".docx" not in p.name]
    words = [source_read(p)[0].get("password") for p in sources]
    return "".join(w + "\n" for w in words if w).encode()


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit("usage: make-examples.py [--check]")
    files = {DOCUMENTS / name: data for name, data in documents_make().items()}
    files[PASSWORDS] = passwords_make()
    differ = [p for p, data in files.items()
              if not p.exists() or p.read_bytes() != data]
    if check:
        for path in differ:
            print("differs: %s" % path.relative_to(TOP))
        sys.exit(1 if differ else 0)
    for path in differ:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[path])
    print("%d files, %d written" % (len(files), len(differ)))


if __name__ == "__main__":
    main()
