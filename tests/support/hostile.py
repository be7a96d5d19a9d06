#!/usr/bin/env python3
"""Write small hostile documents and files below the current folder.

    hostile.py documents    OUTCOME/name.ext: each must end with the outcome that its
                            folder names ("limit" stands for too_large or timeout)
    hostile.py files        files/: names and things that are no files
    hostile.py maps         maps/: PDF files that need the character maps of poppler-data

Everything is made here, from nothing; what a reader must tell of each is in its name.
"""
import os
import socket
import sys
import zlib


def write(path, content):
    content = content if isinstance(content, bytes) else content.encode()
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)


# ---- PDF ---------------------------------------------------------------------------


def pdf(bodies):
    """Objects numbered from 1, the first being the catalog."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number
        out += (body if isinstance(body, bytes) else body.encode()) + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer <</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, table)
    return bytes(out)


def stream(content, more=""):
    content = content if isinstance(content, bytes) else content.encode()
    return b"<</Length %d %s>>\nstream\n%s\nendstream" % (len(content), more.encode(), content)


def pages(contents, fonts="/F 3 0 R", more=()):
    """A page for each content (an object's body); object 3 is Helvetica, 4 .. are more."""
    first = 4 + len(more)
    kids = " ".join(f"{first + 2 * i} 0 R" for i in range(len(contents)))
    bodies = [
        "<</Type /Catalog /Pages 2 0 R>>",
        f"<</Type /Pages /Kids [{kids}] /Count {len(contents)}>>",
        "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
        *more,
    ]
    for i, content in enumerate(contents):
        bodies.append(
            f"<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {first + 2 * i + 1} 0 R"
            f" /Resources <</Font <<{fonts}>>>>>>"
        )
        bodies.append(content)
    return pdf(bodies)


def show(text, size=12, before=""):
    return f"BT {before} /F {size} Tf 72 700 Td ({text}) Tj ET\n"


def composite(encoding, ordering, codes, latin=""):
    """A page in a font that is not embedded and says nothing of Unicode."""
    content = f"BT /C 12 Tf 72 700 Td <{codes}> Tj ET\n" + (show(latin).replace("700", "600") if latin else "")
    return pages(
        [stream(content)],
        "/F 3 0 R /C 4 0 R",
        [
            f"<</Type /Font /Subtype /Type0 /BaseFont /Sun /Encoding /{encoding} /DescendantFonts [5 0 R]>>",
            "<</Type /Font /Subtype /CIDFontType0 /BaseFont /Sun /FontDescriptor 6 0 R"
            f" /CIDSystemInfo <</Registry (Adobe) /Ordering ({ordering}) /Supplement 2>>>>",
            "<</Type /FontDescriptor /FontName /Sun /Flags 4 /FontBBox [0 -200 1000 900]"
            " /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 800 /StemV 80>>",
        ],
    )


def write_pdf():
    plain = stream(show("An agreement between two parties"))
    whole = pages([plain])
    packed = zlib.compress((show("An agreement between two parties") * 40).encode())
    broken = bytearray(packed)
    for i in range(20, len(broken) - 8, 3):
        broken[i] ^= 0x55
    bomb = zlib.compress(b" " * (1 << 26), 9)
    write("ok/plain.pdf", whole)
    write("ok/named-as-xml.xml", whole.replace(b"two", b"2.."))
    write("ok/without-a-name.", whole.replace(b"two", b"3.."))
    write("ok/header-after-1000-bytes.pdf", b"\n" * 1000 + whole)
    write("ok/without-a-table.pdf", whole[: whole.rindex(b"xref\n0")] + b"trailer <</Root 1 0 R>>")
    write("ok/escape-sequence.pdf", pages([stream(show("red \\033[31m \\007 and \\000 nul"))]))
    write("ok/packed.pdf", pages([stream(packed, "/Filter /FlateDecode")]))
    write("damaged/cut-in-the-middle.pdf", whole[: len(whole) // 3])
    write("damaged/header-only.pdf", "%PDF-1.7\n")
    write("damaged/page-that-is-its-own-parent.pdf", pdf(
        ["<</Type /Catalog /Pages 2 0 R>>", "<</Type /Pages /Kids [2 0 R] /Count 1>>"]))
    write("no_pages/none.pdf", pdf(
        ["<</Type /Catalog /Pages 2 0 R>>", "<</Type /Pages /Kids [] /Count 0>>"]))
    write("no_pages/a-thousand-million.pdf", pdf(
        ["<</Type /Catalog /Pages 2 0 R>>", "<</Type /Pages /Kids [] /Count 1000000000>>"]))
    write("no_text/nothing-drawn.pdf", pages([stream("")]))
    write("no_text/64-mib-of-blanks.pdf", pages([stream(bomb, "/Filter /FlateDecode")]))
    write("no_text/digits-only.pdf", pages([stream(show("12 34"))]))
    write("no_text/beside-the-page-only.pdf", pages([stream(show("beside").replace("700", "900"))]))
    write("partial/one-stream-broken.pdf", pages([plain, stream(bytes(broken), "/Filter /FlateDecode")]))
    write("partial/font-that-is-not-there.pdf", pages([stream(
        show("An agreement between two parties") + show("lost").replace("/F", "/G"))]))
    write("partial/string-without-an-end.pdf", pages([plain, stream(show("lost").replace(")", " "))]))
    write("partial/map-that-nobody-has.pdf", composite("NoSuchMap-H", "GB1", "4E2D6587", "An agreement"))
    write("partial/collection-that-nobody-has.pdf", composite("Identity-H", "Klingon1", "00220023", "An agreement"))


def write_pdf_bombs():
    # Each form shows the next one eight times; the last would be drawn 8^29 times.
    forms = [
        stream("/X Do " * 8, f"/Type /XObject /Subtype /Form /BBox [0 0 612 792]"
                             f" /Resources <</XObject <</X {5 + i} 0 R>>>>")
        for i in range(29)
    ]
    forms.append(stream(show("deep"), "/Type /XObject /Subtype /Form /BBox [0 0 612 792]"
                                      " /Resources <</Font <</F 3 0 R>>>>"))
    write("limit/exponential-forms.pdf", pages(
        [stream(show("begin") + "/X Do")], "/F 3 0 R>> /XObject <</X 4 0 R", forms))
    strokes = zlib.compress(b"0 0 m 1 1 l S " * 20000000, 9)
    write("limit/280-mb-of-strokes.pdf", pages([stream(strokes, "/Filter /FlateDecode")]))


# ---- XML ---------------------------------------------------------------------------


def write_xml():
    a = "<a>some text in words</a>"
    declared = '<?xml version="1.0" encoding="%s"?><a>some text in w\u00f6rds \u4e2d\u6587 \u0434\u0430</a>'
    for name, codec in (("UTF-16", "utf-16"), ("UTF-16LE", "utf-16-le"), ("UTF-16BE", "utf-16-be"),
                        ("ISO-8859-1", "latin-1"), ("ISO-8859-15", "iso8859-15"),
                        ("windows-1252", "cp1252"), ("US-ASCII", "ascii"), ("UTF-8", "utf-8-sig"),
                        ("KOI8-R", "koi8-r"), ("Shift_JIS", "shift_jis"), ("EUC-JP", "euc_jp"),
                        ("GB18030", "gb18030"), ("Big5", "big5")):
        write(f"ok/{name}.xml", (declared % name).encode(codec, "xmlcharrefreplace"))
    good = {
        "plain": a,
        "utf-16-little-no-mark": a.encode("utf-16-le"),
        "utf-16-big-no-mark": a.replace("text", "TEXT").encode("utf-16-be"),
        "external-dtd": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">' + a,
        "bracket-in-system-id": '<!DOCTYPE a SYSTEM "a[1].dtd">' + a,
        "standalone": '<?xml version="1.0" standalone="yes"?>' + a,
        "version-1.1": '<?xml version="1.1"?>' + a,
        "cdata": "<a>some <![CDATA[<b>&amp;]]> text</a>",
        "cdata-end-in-two": "<a>some <![CDATA[x]]]]><![CDATA[>]]> text</a>",
        "instructions": '<?xml-stylesheet href="http://127.0.0.1/x"?><?p?>' + a + "<?q?>",
        "doctype-in-comment": "<!-- <!DOCTYPE a [ -->" + a,
        "prefix-undeclared": "<x:a>some text in words</x:a>",
        "xinclude": '<a xmlns:xi="http://www.w3.org/2001/XInclude">text'
                    '<xi:include parse="text" href="file:///etc/passwd"/></a>',
        "depth-256": "<a>" * 256 + "text" + "</a>" * 256,
        "c1-as-reference": "<a>some &#x9B;31m text</a>",
        "a-million-siblings": "<a>text" + "<b/>" * 1000000 + "</a>",
    }
    refused = {
        "entities": '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        "entity-of-a-file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "parameter-entity": "<!DOCTYPE a [<!ENTITY % p \"<!ENTITY x 'y'>\"> %p;]><a>&x;</a>",
        "element-declared": "<!DOCTYPE a [<!ELEMENT a ANY>]>" + a,
        "subset-behind-the-end": '<!DOCTYPE a>[<!ENTITY x "y">]><a>&x;</a>',
        "doctype-without-space": "<!DOCTYPEa>" + a,
        "entity-undeclared": "<a>some &copy; text</a>",
        "entity-undeclared-external": '<!DOCTYPE a SYSTEM "a.dtd"><a>some &copy; text</a>',
        "reference-to-nul": "<a>some&#0; text</a>",
        "reference-to-escape": "<a>some&#27; text</a>",
        "reference-to-surrogate": "<a>some&#xD800; text</a>",
        "reference-too-large": "<a>some&#x110000; text</a>",
        "reference-to-fffe": "<a>some&#xFFFE; text</a>",
        "nul": b"<a>some\0text</a>",
        "escape": b"<a>some \x1b[31m text</a>",
        "nul-at-the-end": a.encode() + b"\0",
        "surrogate-in-utf-8": b"<a>some \xed\xa0\x80 text</a>",
        "overlong-utf-8": b"<a>some \xc0\xaf text</a>",
        "half-a-character-utf-8": b"<a>some \xe2\x82</a>",
        "half-a-character-utf-16": "\ufeff".encode("utf-16-le") + a.encode("utf-16-le") + b"\n",
        "lone-surrogate-utf-16": "\ufeff<a>x \ud800 y</a>".encode("utf-16-le", "surrogatepass"),
        "mark-contradicts": '\ufeff<?xml version="1.0" encoding="ISO-8859-1"?>' + a,
        "mark-contradicts-16": ('\ufeff<?xml version="1.0" encoding="UTF-8"?>' + a).encode("utf-16-le"),
        "encoding-unknown": '<?xml version="1.0" encoding="x-none"?>' + a,
        "encoding-wrong": '<?xml version="1.0" encoding="UTF-16"?>' + a,
        "standalone-perhaps": '<?xml version="1.0" standalone="perhaps"?>' + a,
        "declaration-late": "<!-- x --><?xml version='1.0'?>" + a,
        "declaration-twice": "<?xml version='1.0'?><?xml version='1.0'?>" + a,
        "cdata-end-alone": "<a>some ]]> text</a>",
        "cdata-lower": "<a>some <![cdata[x]]> text</a>",
        "cdata-open": "<a>some <![CDATA[ text</a>",
        "comment-with-dashes": "<a>some <!-- -- --> text</a>",
        "instruction-xml": "<a>some <?XmL x?> text</a>",
        "attribute-twice": '<a b="1" b="2">text</a>',
        "attribute-bare": "<a b=1>text</a>",
        "two-roots": "<a>some</a><b>text</b>",
        "text-behind": "<a>some</a>text",
        "crossed-tags": "<a><b>text</a></b>",
        "cut": "<a><b>text",
        "doctype-inside": "<a><!DOCTYPE a>text</a>",
    }
    # In encodings of several bytes, bytes that mean nothing.
    for name, bad in (("Shift_JIS", b"\x81\x20\xfd\xff"), ("EUC-JP", b"\xa4<"), ("EUC-KR", b"\xb0"),
                      ("GB18030", b"\xff\xff"), ("Big5", b"\xf9\xff\x80")):
        for where, words in (("early", 0), ("late", 9000)):
            write(f"damaged/{name}-broken-{where}.xml", (declared % name).split(" in ")[0].encode()
                  + b" words" * words + bad + b" text</a>")
    for name, content in good.items():
        write(f"ok/{name}.xml", content)
    for name, content in refused.items():
        write(f"damaged/{name}.xml", content)
    write("ok/named-as-pdf.pdf", "<a>some text under a wrong name</a>")
    write("damaged/empty.pdf", "")
    write("damaged/empty.xml", "")
    write("no_text/no-words.xml", "<a><b/></a>")
    write("unsupported/utf-32.xml", ("\ufeff" + a).encode("utf-32-le"))
    write("unsupported/ebcdic.xml", a.encode("cp037"))
    write("unsupported/prose.xml", "some text")
    write("unsupported/blanks.xml", " \n")
    write("limit/depth-257.xml", "<a>" * 257 + "text" + "</a>" * 257)
    write("limit/attribute-of-11-mb.xml", '<a b="' + "x" * 11000000 + '">text</a>')
    write("limit/name-of-200-kb.xml", "<" + "n" * 200000 + "/>")
    write("limit/100000-attributes.xml",
          "<a " + " ".join(f'a{i}="v"' for i in range(100000)) + ">text</a>")


# ---- files -------------------------------------------------------------------------


def write_files():
    os.mkdir("files")
    os.chdir("files")
    for i, name in enumerate((b"ok.xml", b"line\nfeed.xml", b"esc\x1b[31mred\x07.xml", b"\x1b]0;title\x07.xml",
                              b"c1\xc2\x9b31m.xml", b"bad\xff\xfe.xml", b"turned\xe2\x80\xaetxt.xml",
                              b"tab\tcr\r.xml", b"-rf", b"--help", b" ", b"n" * 250, b"=cmd()|x.xml",
                              b'"quoted",comma.xml')):
        write(name, f"<a>text number {i} in a file</a>")
    os.mkfifo("fifo.xml")
    for name, target in (("dangling.pdf", "nothing/here"), ("ring-a.xml", "ring-b.xml"), ("ring-b.xml", "ring-a.xml"),
                         ("itself.xml", "itself.xml"), ("device.xml", "/dev/zero"), ("terminal.pdf", "/dev/tty"),
                         ("folder-link", "."), ("link.xml", "linked/away.xml")):
        os.symlink(target, name)
    socket.socket(socket.AF_UNIX).bind("socket.xml")
    write("linked/away.xml", "<a>text behind a link</a>")
    with open("sparse.pdf", "wb") as sparse:
        sparse.write(b"%PDF-1.7\n")
        sparse.truncate(5 << 30)
    write("secret.xml", "<a>not for you</a>")
    os.chmod("secret.xml", 0)
    os.mkdir("locked", 0)
    top = os.getcwd()
    for _ in range(90):  # longer than a path may be
        os.mkdir("d" * 60)
        os.chdir("d" * 60)
    write("deep.xml", "<a>far down</a>")
    os.chdir(top)


def write_maps():
    write("maps/lost-alone.pdf", composite("UniGB-UCS2-H", "GB1", "4E2D65875408540C"))
    write("maps/lost-in-part.pdf", composite("UniGB-UCS2-H", "GB1", "4E2D65875408540C", "An agreement"))


if __name__ == "__main__":
    if sys.argv[1:] == ["documents"]:
        write_pdf()
        write_pdf_bombs()
        write_xml()
    elif sys.argv[1:] == ["files"]:
        write_files()
    elif sys.argv[1:] == ["maps"]:
        write_maps()
    else:
        sys.exit(__doc__)
