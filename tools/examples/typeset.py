"""Set a text as the pages of a PDF; the form of the text is told in
tools/make-examples.py.

    text -> blocks -> flowables -> pages -> bytes

A block is what stands between two empty lines; its first character says what it
is. Flowables are reportlab's. Pages are laid out three times: once to count them,
once to settle the contents, once for good. Nothing here depends on the clock: the
dates in a file are those of its source.
"""

import calendar
import io
import os
import random
import re
import sys
import time
from dataclasses import dataclass

from reportlab import rl_config
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (BaseDocTemplate, CondPageBreak, Flowable, Frame,
                                FrameBreak, HRFlowable, KeepTogether,
                                NextPageTemplate, PageBreak, PageTemplate,
                                Paragraph, Spacer, Table, TableStyle)

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
            sys.exit("%s has no %s: %.60s"
                     % (frag.fontName, sorted(lacking), frag.text))
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
    cells = [[paragraph(text_inline(key + ":"), styles.cell_head),
              paragraph(text_inline(value), styles.cell)] for key, value in rows]
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
    c.setStrokeColor(styles.accent)
    c.setLineWidth(2.4)
    c.rect(side + 1, y - 25, 32, 32)
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
