#!/usr/bin/env python3
"""Write the encrypted PDF files of this folder: 40-bit RC4, revision 2 (ISO 32000-1, 7.6.3).

user-password.pdf      opens with "secret" only
owner-restricted.pdf   opens without a password; copying is forbidden
"""
import hashlib
import struct

PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
FILE_ID = b"0123456789abcdef"


def rc4(key, data):
    s, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) % 256
        s[i], s[j] = s[j], s[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + s[i]) % 256
        s[i], s[j] = s[j], s[i]
        out.append(byte ^ s[(s[i] + s[j]) % 256])
    return bytes(out)


def padded(password):
    return (password + PAD)[:32]


def encrypted_pdf(user, owner, permissions):
    o = rc4(hashlib.md5(padded(owner)).digest()[:5], padded(user))
    p = struct.pack("<i", permissions)
    key = hashlib.md5(padded(user) + o + p + FILE_ID).digest()[:5]
    u = rc4(key, PAD)

    def object_key(number):
        return hashlib.md5(key + struct.pack("<I", number)[:3] + b"\0\0").digest()[:10]

    content = rc4(object_key(4), b"BT /F 12 Tf 72 700 Td (privileged words) Tj ET")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n" % len(content) + content + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Filter /Standard /V 1 /R 2 /P %d /O <%s> /U <%s> >>"
        % (permissions, o.hex().encode(), u.hex().encode()),
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    identity = FILE_ID.hex().encode()
    out += b"trailer\n<< /Size %d /Root 1 0 R /Encrypt 6 0 R /ID [<%s> <%s>] >>\n" % (
        len(objects) + 1, identity, identity)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


with open("user-password.pdf", "wb") as file:
    file.write(encrypted_pdf(b"secret", b"owner", -4))
with open("owner-restricted.pdf", "wb") as file:
    file.write(encrypted_pdf(b"", b"owner", -20))
