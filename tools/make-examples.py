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

XML documents are written by hand where they lie and are not touched here. What
is odd on purpose (scanned, encrypted, cut off ...) is made from such a text too;
the source's "make:" line or the table DERIVED at the end says how.

    apt-get install python3-reportlab python3-pil python3-pyphen qpdf \\
        poppler-utils fonts-liberation2 fonts-crosextra-carlito \\
        fonts-crosextra-caladea fonts-sil-gentium-basic fonts-lato fonts-ebgaramond
    tools/make-examples.py              write examples/documents
    tools/make-examples.py --check      compare instead of writing

Same bytes means: with the versions in Debian 12. Other versions of the fonts or
of zlib give files that differ in bytes and look alike.
"""

import calendar
import io
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter
from reportlab import rl_config
from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas as pdfcanvas
from reportlab.platypus import (BaseDocTemplate, CondPageBreak, Flowable, Frame,
                                FrameBreak, HRFlowable, KeepTogether,
                                NextPageTemplate, PageBreak, PageTemplate,
                                Paragraph, Spacer, Table, TableStyle)

TOP = Path(__file__).resolve().parent.parent
SOURCES = TOP / "tools" / "examples"
DOCUMENTS = TOP / "examples" / "documents"
PASSWORDS = TOP / "examples" / "passwords.txt"
WIDTH, HEIGHT = LETTER

rl_config.invariant = 1
rl_config.useA85 = 0

# ---- layouts: how a house of lawyers would have set it -------------------------

FONTS = "/usr/share/fonts/truetype/"
FAMILIES = {  # name: regular, bold, italic, bold italic
    "Liberation Serif": ["liberation2/LiberationSerif-%s.ttf" % s for s in
                         ("Regular", "Bold", "Italic", "BoldItalic")],
    "Liberation Sans": ["liberation2/LiberationSans-%s.ttf" % s for s in
                        ("Regular", "Bold", "Italic", "BoldItalic")],
    "Carlito": ["crosextra/Carlito-%s.ttf" % s for s in
                ("Regular", "Bold", "Italic", "BoldItalic")],
    "Caladea": ["crosextra/Caladea-%s.ttf" % s for s in
                ("Regular", "Bold", "Italic", "BoldItalic")],
    "Gentium": ["gentium-basic/GenBas%s.ttf" % s for s in ("R", "B", "I", "BI")],
    "Lato": ["lato/Lato-%s.ttf" % s for s in
             ("Regular", "Bold", "Italic", "BoldItalic")],
    "Garamond": ["ebgaramond/EBGaramond12-%s.ttf" % s for s in
                 ("Regular", "Bold", "Italic", "Italic")],
    "Times": None,  # the reader's own fonts, not embedded
    "Helvetica": None,
}
STANDARD = {
    "Times": ("Times-Roman", "Times-Bold", "Times-Italic", "Times-BoldItalic"),
    "Helvetica": ("Helvetica", "Helvetica-Bold", "Helvetica-Oblique",
                  "Helvetica-BoldOblique"),
}


@dataclass(frozen=True)
class Layout:
    family: str
    size: float = 11
    lead: float = 1.3  # of size
    side: float = 72  # margins, points
    top: float = 72
    bottom: float = 72
    columns: int = 1
    justify: bool = True
    gap: float = 0.6  # between paragraphs, of size
    heads: str = "center"  # or left, upper
    hang: bool = True  # clause labels hang; else the first line is indented
    accent: str = "#000000"
    bold_labels: bool = False


LAYOUTS = {
    "times": Layout("Liberation Serif", 11.5, 1.27, gap=0.64),
    "classic": Layout("Times", 12, 1.3, side=80, hang=False, gap=0.75),
    "gentium": Layout("Gentium", 11.5, 1.25, side=76, heads="left", accent="#1d3b57"),
    "garamond": Layout("Garamond", 12, 1.25, side=86, top=80, gap=0.55),
    "caladea": Layout("Caladea", 10.5, 1.34, side=74, heads="upper", gap=0.65),
    "carlito": Layout("Carlito", 11, 1.28, justify=False, heads="left",
                      accent="#2a5a7a", bold_labels=True),
    "lato": Layout("Lato", 9.5, 1.45, side=70, justify=False, heads="left",
                   accent="#7a2e2e", bold_labels=True),
    "columns": Layout("Liberation Serif", 9.8, 1.26, side=56, top=64, bottom=62,
                      columns=2, heads="left", gap=0.5),
    "mail": Layout("Liberation Sans", 10, 1.36, side=64, top=66, justify=False),
    "mail-plain": Layout("Helvetica", 9.8, 1.32, side=60, top=66, bottom=60,
                         justify=False),
    "letter": Layout("Garamond", 12, 1.28, side=88, top=80, gap=0.75),
    "letter-modern": Layout("Carlito", 11.2, 1.32, side=80, top=76, gap=0.75,
                            justify=False, accent="#2f5d50"),
    "letter-serif": Layout("Caladea", 10.8, 1.36, side=82, top=76, gap=0.75,
                           justify=False, accent="#5b2333"),
}


def fonts_register(family):
    """The four faces of a family, under names Paragraph can switch between."""
    if family in STANDARD:
        return STANDARD[family]
    names = [family.replace(" ", "") + s for s in ("", "-B", "-I", "-BI")]
    if names[0] not in pdfmetrics.getRegisteredFontNames():
        for name, file in zip(names, FAMILIES[family]):
            pdfmetrics.registerFont(TTFont(name, FONTS + file))
        pdfmetrics.registerFontFamily(names[0], *names)
    return tuple(names)


class Styles:
    """Every paragraph style of one layout."""

    def __init__(self, layout):
        self.layout = layout
        self.regular, self.bold, self.italic, _ = fonts_register(layout.family)
        size = layout.size
        self.accent = HexColor(layout.accent)
        self.body = ParagraphStyle(
            "body", fontName=self.regular, fontSize=size,
            leading=size * layout.lead, spaceAfter=size * layout.gap,
            alignment=TA_JUSTIFY if layout.justify else TA_LEFT,
            allowWidows=0, allowOrphans=0,
            hyphenationLang="en_US" if layout.columns > 1 else "")
        center = self.derive("center", alignment=TA_CENTER)
        self.center = center
        self.title = self.derive(
            "title", center, fontName=self.bold, fontSize=size * 1.4,
            leading=size * 1.8, spaceAfter=size * 0.9, textColor=self.accent)
        self.heading = self.derive(
            "heading", center if layout.heads == "center" else self.body,
            fontName=self.bold, spaceBefore=size * 0.75, keepWithNext=1,
            alignment=TA_CENTER if layout.heads == "center" else TA_LEFT,
            textColor=self.accent)
        self.quote = self.derive("quote", leftIndent=30, rightIndent=30)
        self.cell = self.derive("cell", spaceAfter=0, alignment=TA_LEFT,
                                fontSize=size * 0.93, leading=size * 1.22,
                                hyphenationLang="")
        self.cell_head = self.derive("cell_head", self.cell, fontName=self.bold)
        self.white = self.derive("white", textColor=white, spaceAfter=0,
                                 fontSize=6, leading=7)
        self.tiny = self.derive("tiny", fontSize=0.5, leading=0.6, spaceAfter=0)

    def derive(self, name, parent=None, **keys):
        return ParagraphStyle(name, parent=parent or self.body, **keys)

    def clause(self, level, label):
        """A paragraph with a label, level steps from the margin."""
        size, layout = self.layout.size, self.layout
        step = size * (1.9 if layout.columns > 1 else 2.7)
        wide = pdfmetrics.stringWidth(label + " ", self.bold, size)
        if not layout.hang:
            return self.derive("clause%d" % level, leftIndent=step * level,
                               firstLineIndent=step * 0.9)
        left = max(step * (level + 1), step * level + wide)
        return self.derive(
            "clause%d" % level, leftIndent=left, bulletIndent=step * level,
            bulletFontName=self.bold if layout.bold_labels else self.regular,
            bulletFontSize=size)


# ---- flowables that platypus lacks ------------------------------------------------


class Mark(Flowable):
    """Takes no room; tells the document where in the pages it came to lie."""

    def __init__(self, kind, text=""):
        super().__init__()
        self.mark = (kind, text)

    def wrap(self, *_):
        return 0, 0

    def draw(self):
        pass


class Signature(Flowable):
    """A rule with a pen stroke over it, the same one for the same name."""

    def __init__(self, name, width=170):
        super().__init__()
        self.name, self.width, self.height = name, width, 26

    def draw(self):
        c = self.canv
        c.setLineWidth(0.5)
        c.line(0, 2, self.width, 2)
        if self.name:
            long = sum(15 + 4.6 * len(word) for word in self.name.split()) + 36
            pen_stroke(c, self.name, min(1, (self.width - 8) / long))


def pen_stroke(c, name, scale):
    """A name written in haste: a capital's loop, a running hand, a last flourish."""
    rng = random.Random(name)
    c.saveState()
    c.translate(6, 4)
    c.scale(scale, scale)
    c.skew(0, -14)
    c.setStrokeColor(HexColor("#1a2a5e"))
    c.setLineWidth(1.05)
    c.setLineCap(1)
    path = c.beginPath()
    pos = 0.0
    for word in name.split():
        path.moveTo(pos, 3)
        path.curveTo(pos + 2, 26 + rng.uniform(-3, 4), pos + 11, 22, pos + 7, 6)
        pos += 8
        for letter in word[1:]:
            tall = 14 if letter in "bdfhklt" else 5.5
            deep = -7 if letter in "gjpqy" else 0
            step = rng.uniform(3.2, 5.2)
            path.curveTo(pos + step * 0.3, tall + rng.uniform(-1, 1.5),
                         pos + step * 0.6, deep + rng.uniform(-1, 1), pos + step,
                         rng.uniform(1, 3))
            pos += step
        pos += 7
    path.curveTo(pos + 10, 8, pos + 22, -3, pos + 34, 5)
    c.drawPath(path, stroke=1, fill=0)
    c.restoreState()


# ---- from the text to flowables ------------------------------------------------------

LABEL = re.compile(r"^([\dA-Z]?\d*(?:\.\d+)+\.?|\d+\.|\([a-zA-Z0-9]+\)|[A-Z]\.|•)\s+")


def text_curl(text):
    """Straight quotes to curly ones."""
    text = re.sub(r'(^|[\s(\[—*_/])"', "\\1\u201c", text).replace('"', "\u201d")
    text = re.sub(r"(^|[\s(\[—*\u201c])'", "\\1\u2018", text)
    return text.replace("'", "\u2019")


def text_inline(text):
    """One paragraph of source as the markup of reportlab."""
    text = text_curl(text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"(?s)\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"(?<![\w_])_([^_]+)_(?![\w_])", r"<i>\1</i>", text)
    return text.replace("\\\n", "<br/>").replace("\n", " ")


def paragraph(markup, style, **keys):
    """A Paragraph; what its font lacks would be printed as a box and is refused."""
    made = Paragraph(markup, style, **keys)
    for frag in made.frags:
        known = getattr(pdfmetrics.getFont(frag.fontName).face, "charToGlyph", None)
        lacking = {c for c in frag.text if ord(c) not in known} if known else {
            c for c in frag.text if not c.encode("cp1252", "ignore")}
        if lacking:
            sys.exit("%s has no %s: %.60s" % (frag.fontName, sorted(lacking), frag.text))
    return made


def source_read(path):
    """The head of a source as a dict, and its blocks of lines."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    keys = dict(line.split(": ", 1) for line in head.splitlines())
    blocks = [b.strip("\n") for b in re.split(r"\n\s*\n", body) if b.strip()]
    return keys, blocks


def block_clause(block, styles):
    level = (len(block) - len(block.lstrip(" "))) // 2
    text = "\n".join(line.strip() for line in block.splitlines())
    label = LABEL.match(text)
    if not label:
        if not level:
            return paragraph(text_inline(text), styles.body)
        step = styles.layout.size * (1.9 if styles.layout.columns > 1 else 2.7)
        return paragraph(text_inline(text),
                         styles.derive("indented", leftIndent=step * level))
    style = styles.clause(level, label[1])
    if not styles.layout.hang:
        return paragraph(text_inline(text), style)
    return paragraph(text_inline(text[label.end():]), style, bulletText=label[1])


def block_table(block, styles, room):
    """Rows of "| a | b |"; what stands above a row of dashes is the head."""
    rows = [[c.strip() for c in line.strip().strip("|").split("|")]
            for line in block.splitlines()]
    head = next((i for i, r in enumerate(rows) if set("".join(r)) <= set("-")), 0)
    shares = [len(c) for c in rows[head]] if head else [1] * len(rows[0])
    rows = rows[:head] + rows[head + 1:] if head else rows
    cells = [[paragraph(text_inline(c), styles.cell_head if i < head else styles.cell)
              for c in row] for i, row in enumerate(rows)]
    table = Table(cells, [room * s / sum(shares) for s in shares], spaceBefore=4,
                  spaceAfter=styles.layout.size)
    table.setStyle(TableStyle([
        ("LINEABOVE", (0, 0), (-1, 0), 0.8, styles.accent),
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#999999")),
        ("LINEBELOW", (0, -1), (-1, -1), 0.8, styles.accent),
        ("BACKGROUND", (0, 0), (-1, head - 1), HexColor("#eef1f4")) if head else
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 3), ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
        ("NOSPLIT", (0, 0), (-1, -1)),
    ]))
    return table


def signature_cell(cell, styles, width):
    if not cell.startswith("By:"):
        return paragraph(text_inline(cell), styles.cell)
    signed = cell[3:].strip()
    if signed.startswith("/s/"):
        return paragraph("By: <i>%s</i>" % signed, styles.cell)
    line = Table([[paragraph("By:", styles.cell), Signature(signed, width - 46)]],
                 [28, width - 38])
    line.setStyle(TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0),
                              ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                              ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]))
    return line


def block_sign(block, styles, room):
    rows = [[c.strip() for c in line.split("|")] for line in block.splitlines()[1:]]
    columns = max(len(r) for r in rows)
    width = room / max(columns, 2)
    cells = [[signature_cell(c, styles, width) for c in row] for row in rows]
    table = Table(cells, [width] * columns, hAlign="LEFT")
    table.setStyle(TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0),
                               ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                               ("TOPPADDING", (0, 0), (-1, -1), 2),
                               ("BOTTOMPADDING", (0, 0), (-1, -1), 2)]))
    gap = Spacer(1, styles.layout.size)
    return [gap, table, gap]


def block_mail(block, styles, room):
    """The head of a printed e-mail: who, whom, when, about what."""
    rows = [line.split(": ", 1) for line in block.splitlines()[1:]]
    cells = [[paragraph(k + ":", styles.cell_head), paragraph(text_inline(v), styles.cell)]
             for k, v in rows]
    table = Table(cells, [86, room - 86], spaceAfter=styles.layout.size)
    table.setStyle(TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0),
                               ("VALIGN", (0, 0), (-1, -1), "TOP"),
                               ("TOPPADDING", (0, 0), (-1, -1), 1),
                               ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]))
    return table


def block_toc(styles, facts, room):
    """Contents: headings with the page each came to lie on in the first pass."""
    rows = [[paragraph(text_inline(text), styles.cell),
             paragraph('<para align="right">%s</para>' % page, styles.cell)]
            for text, page in facts["headings"]]
    table = Table(rows or [["", ""]], [room - 40, 40], spaceAfter=12)
    table.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.25,
                                HexColor("#bbbbbb")),
                               ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return table


def block_heading(text, styles):
    shown = text.upper() if styles.layout.heads == "upper" else text
    style = styles.heading
    return [CondPageBreak(styles.layout.size * 5), Mark("heading", text),
            paragraph(text_inline(shown), style)]


def block_command(block, styles, facts, room):
    """A line that starts with @."""
    word, _, rest = block.partition("\n")[0].partition(" ")
    inline = text_inline(block.partition(" ")[2])
    commands = {
        "@sign": lambda: block_sign(block, styles, room),
        "@mail": lambda: [block_mail(block, styles, room)],
        "@toc": lambda: [block_toc(styles, facts, room)],
        "@page": lambda: [PageBreak()],
        "@body": lambda: [NextPageTemplate("later"), PageBreak(), Mark("body")],
        "@columns": lambda: [NextPageTemplate("later"), FrameBreak()],
        "@rule": lambda: [HRFlowable(width="100%", thickness=0.6, color=styles.accent,
                                     spaceBefore=4, spaceAfter=8)],
        "@gap": lambda: [Spacer(1, float(rest))],
        "@white": lambda: [paragraph(inline, styles.white)],
        "@tiny": lambda: [paragraph(inline, styles.tiny)],
        "@hand": lambda: [Signature(rest)],
    }
    return commands[word]()


def block_flow(block, styles, facts, room):
    """One block of source as flowables."""
    if block[0] == "@":
        return block_command(block, styles, facts, room)
    if block.startswith("= "):
        return [paragraph(text_inline(block[2:]), styles.title)]
    if block.startswith("~ "):
        return [paragraph(text_inline(block[2:]), styles.center)]
    if block.startswith("> "):
        return [paragraph(text_inline(block[2:]), styles.quote)]
    if block.startswith("# "):
        return block_heading(block[2:], styles)
    if block.startswith("|"):
        return [block_table(block, styles, room)]
    return [block_clause(block, styles)]


# ---- pages -------------------------------------------------------------------------


def roman(n):
    tens, ones = divmod(n, 10)
    return "x" * tens + ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii",
                         "ix"][ones]


def letterhead_draw(c, styles, keys):
    """The firm's name and address at the top of a letter's first page."""
    side, y = styles.layout.side, HEIGHT - 62
    lines = text_curl(keys["address"]).split(" / ")
    c.setFillColor(styles.accent)
    if keys["letterhead"] == "center":
        c.setFont(styles.regular, 20)
        c.drawCentredString(WIDTH / 2, y, keys["firm"], charSpace=1.2)
        c.setFont(styles.regular, 9.5)
        c.drawCentredString(WIDTH / 2, y - 17, "  ·  ".join(lines))
        c.setStrokeColor(styles.accent)
        c.setLineWidth(0.6)
        c.line(side, y - 27, WIDTH - side, y - 27)
        c.setLineWidth(1.6)
        c.line(side, y - 29.5, WIDTH - side, y - 29.5)
        return
    c.rect(side, y - 26, 34, 34, stroke=0, fill=1)
    c.setFillColor(white)
    c.setFont(styles.bold, 22)
    c.drawCentredString(side + 17, y - 17, keys["firm"][0])
    c.setFillColor(styles.accent)
    c.setFont(styles.bold, 17)
    c.drawString(side + 46, y - 6, keys["firm"])
    c.setFont(styles.regular, 9)
    c.drawString(side + 46, y - 20, keys.get("motto", ""))
    c.setFillColor(HexColor("#555555"))
    for i, line in enumerate(lines):
        c.drawRightString(WIDTH - side, y + 2 - 11 * i, line)


def mail_draw(c, styles, keys):
    """What a mail program prints above a message: whose mailbox, a heavy rule."""
    side = styles.layout.side
    c.setFont(styles.bold, 13)
    c.drawString(side, HEIGHT - 52, keys["mailbox"])
    c.setLineWidth(2.2)
    c.line(side, HEIGHT - 59, WIDTH - side, HEIGHT - 59)


class Pages(BaseDocTemplate):
    """One document; facts are what the pass before learnt about its pages."""

    def __init__(self, out, keys, styles, facts):
        self.keys, self.styles, self.facts = keys, styles, facts
        self.learnt = {"headings": [], "body": 1, "pages": 0}
        layout = styles.layout
        super().__init__(out, pagesize=LETTER, title=text_curl(keys["title"]),
                         author=keys["author"], subject=keys.get("subject", ""),
                         keywords=keys.get("keywords", ""),
                         creator=keys.get("creator", ""), lang="en-US")
        drop = float(keys.get("drop", 46 if "letterhead" in keys else 0))
        first = self.frames(layout, drop)
        self.addPageTemplates([PageTemplate("first", first, onPage=self.page_first),
                               PageTemplate("later", self.frames(layout, 0),
                                            onPage=self.page_later)])
        self.room = first[-1]._width

    @staticmethod
    def frames(layout, drop):
        """Columns; with columns, drop is the height of a title across them."""
        wide, high = WIDTH - 2 * layout.side, HEIGHT - layout.top - layout.bottom
        none = {"leftPadding": 0, "rightPadding": 0, "topPadding": 0,
                "bottomPadding": 0}
        gutter = 22
        each = (wide - gutter * (layout.columns - 1)) / layout.columns
        frames = [Frame(layout.side + i * (each + gutter), layout.bottom, each,
                        high - drop, **none) for i in range(layout.columns)]
        if layout.columns > 1 and drop:
            frames.insert(0, Frame(layout.side, layout.bottom + high - drop, wide,
                                   drop, **none))
        return frames

    def number(self):
        body = self.facts["body"]
        if self.page < body:
            return roman(self.page)
        return str(self.page - body + 1)

    def line_draw(self, c, text, y):
        """left|center|right, with {page} and {pages} filled in."""
        pages = self.facts["pages"] - self.facts["body"] + 1
        text = text_curl(text).replace("{page}", self.number())
        parts = text.replace("{pages}", str(pages)).split("|")
        c.setFont(self.styles.regular, 8.5)
        c.setFillColor(HexColor("#444444"))
        side = self.styles.layout.side
        c.drawString(side, y, parts[0])
        if len(parts) > 1:
            c.drawCentredString(WIDTH / 2, y, parts[1])
        if len(parts) > 2:
            c.drawRightString(WIDTH - side, y, parts[2])

    def page_first(self, c, _):
        self.label_pages(c)
        c.saveState()
        if "letterhead" in self.keys:
            letterhead_draw(c, self.styles, self.keys)
        if "mailbox" in self.keys:
            mail_draw(c, self.styles, self.keys)
        if "foot" in self.keys and self.facts["body"] == 1:
            self.line_draw(c, self.keys["foot"], 38)
        c.restoreState()

    def page_later(self, c, _):
        c.saveState()
        if "head" in self.keys:
            self.line_draw(c, self.keys["head"], HEIGHT - 44)
            c.setLineWidth(0.4)
            side = self.styles.layout.side
            c.line(side, HEIGHT - 49, WIDTH - side, HEIGHT - 49)
        if "foot" in self.keys:
            self.line_draw(c, self.keys["foot"], 38)
        c.restoreState()

    def label_pages(self, c):
        body = self.facts["body"]
        if body > 1:
            c.addPageLabel(0, "ROMAN_LOWER", 1)
            c.addPageLabel(body - 1, "ARABIC", 1)

    def beforePage(self):
        self.learnt["pages"] = self.page

    def afterFlowable(self, flowable):
        if not isinstance(flowable, Mark):
            return
        kind, text = flowable.mark
        if kind == "body":
            self.learnt["body"] = self.page
        else:
            self.learnt["headings"].append((text, self.number()))


def pdf_build(path):
    """A source as the bytes of a PDF: once to count, twice to settle, then for real."""
    keys, blocks = source_read(path)
    stamp = calendar.timegm(time.strptime(keys["date"], "%Y-%m-%dT%H:%M:%S"))
    os.environ["SOURCE_DATE_EPOCH"] = str(stamp)
    facts = {"headings": [(b[2:], "1") for b in blocks if b.startswith("# ")],
             "body": 1, "pages": 1}
    styles = Styles(LAYOUTS[keys["layout"]])
    for _ in range(3):
        out = io.BytesIO()
        pages = Pages(out, keys, styles, facts)
        story = [NextPageTemplate("later")] if not keys.get("cover") else []
        for block in blocks:
            flow = block_flow(block, styles, facts, pages.room)
            if block.startswith("@sign"):  # never alone on a page
                flow = [KeepTogether([story.pop()] + flow)]
            story += flow
        pages.build(story)
        facts = pages.learnt
    return keys, out.getvalue()


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
    c = pdfcanvas.Canvas(out, pagesize=LETTER, invariant=1)
    c.setTitle(keys.get("scan-title", ""))
    c.setCreator(keys.get("creator", ""))
    c.setAuthor("")
    for page in tool_run(data, "pdftoppm", "-r", "110", "-gray", "{in}", "{out}"):
        jpeg = io.BytesIO()
        page_scan(Image.open(io.BytesIO(page)), rng).save(jpeg, "JPEG", quality=42)
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(jpeg.getvalue())
            file.flush()
            c.drawImage(file.name, 0, 0, WIDTH, HEIGHT)
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

# ---- all of it ------------------------------------------------------------------------


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
