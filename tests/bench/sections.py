#!/usr/bin/env python3
"""Write the dialogues of MTS-Dialog as XML documents, one each, and their labels.

Usage: sections.py SET.csv FOLDER

FOLDER gets NNN.xml and labels.csv (file,label). The labels are the section headers in
lower case, "/" as "_", as in sections.xml beside this file."""

import csv
import pathlib
import sys
from xml.sax.saxutils import escape

source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
with open(source, encoding="utf-8-sig", newline="") as rows, \
        open(folder / "labels.csv", "w", encoding="utf-8") as labels:
    labels.write("file,label\n")
    for number, row in enumerate(csv.DictReader(rows)):
        turns = "".join(f"<p>{escape(turn.strip())}</p>\n"
                        for turn in row["dialogue"].splitlines() if turn.strip())
        name = f"{number:03}.xml"
        (folder / name).write_text(f"<dialogue>\n{turns}</dialogue>\n", encoding="utf-8")
        label = row["section_header"].lower().replace("/", "_")
        labels.write(f"{name},{label}\n")
