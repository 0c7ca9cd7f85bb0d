"""The catalogue as one HTML page: no other file, no network, readable without JavaScript, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_platform.features.governance.catalogue import Entry

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
input { font: inherit; padding: .4rem .6rem; width: 100%; max-width: 30rem; }
table { border-collapse: collapse; margin-top: 1rem; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .35rem .6rem; text-align: left; vertical-align: top; }
th { position: sticky; top: 0; background: Canvas; }
code { font-family: ui-monospace, monospace; }
.tag, .pii { border: 1px solid #8886; border-radius: .6rem; font-size: .85em; padding: 0 .45rem; white-space: nowrap; }
.pii { border-color: #c33; color: #c33; }
[hidden] { display: none; }
"""
_SCRIPT = """
"use strict";
const box = document.getElementById("query"), count = document.getElementById("count");
const rows = Array.from(document.querySelectorAll("tbody tr"));
const words = rows.map(row => row.textContent.toLowerCase());
document.getElementById("filter").hidden = false;
box.addEventListener("input", () => {
  const wanted = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row, i) => { row.hidden = !wanted.every(w => words[i].includes(w)); shown += row.hidden ? 0 : 1; });
  count.textContent = shown + " of " + rows.length;
});
"""
_HEADS = ("Kind", "Name", "Type", "Owner", "Fresh within", "Valid for", "From", "Read by", "About")


def page(entries: Sequence[Entry], title: str) -> str:
    """The whole page. Each row has an id, so that `#feature/profile:age` leads to it."""
    rows = "\n".join(map(_row, entries))
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f'<p id="filter" hidden><label>Filter <input id="query" type="search" autocomplete="off"></label></p>\n'
        f'<p id="count">{len(entries)} entries</p>\n'
        f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n"
        f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _row(entry: Entry) -> str:
    kind = f"{entry.dtype} {entry.unit}".strip()
    about = escape(entry.description) + _labels("pii", [entry.pii] if entry.pii else ())
    about += _labels("tag", (f"{key}={value}" for key, value in entry.tags))
    about += f"<br><code>{escape(', '.join(entry.features))}</code>" if entry.features else ""
    cells = (
        escape(entry.kind),
        f"<code>{escape(entry.name)}</code>",
        escape(kind),
        escape(entry.owner),
        escape(entry.sla),
        escape(entry.ttl),
        escape(entry.source),
        escape(", ".join(entry.models)),
        about,
    )
    anchor = escape(f"{entry.kind}/{entry.name}".replace(" ", "-"))
    return f'<tr id="{anchor}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _labels(style: str, texts: Iterable[str] | Mapping[str, str]) -> str:
    return "".join(f' <span class="{style}">{escape(text)}</span>' for text in texts)
