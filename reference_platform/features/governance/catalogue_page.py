"""The catalogue as one HTML page: no other file, no network, readable without JavaScript, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from html import escape

from reference_platform.features.governance.catalogue_entry import Entry

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
h1 { margin: 0 0 1rem; }
input { font: inherit; padding: .4rem .6rem; width: 30rem; max-width: 100%; box-sizing: border-box; }
#count { color: GrayText; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .35rem .6rem; text-align: left; vertical-align: top; }
th { position: sticky; top: 0; background: Canvas; box-shadow: inset 0 -2px var(--line); vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); }
td:first-child { white-space: nowrap; }
td.wide { min-width: 9rem; overflow-wrap: anywhere; }
tr { scroll-margin-top: 3rem; }
tr:target { background: var(--soft); }
code { font-family: ui-monospace, monospace; font-size: .95em; }
a { color: inherit; text-decoration-color: var(--line); }
.tag, .pii { border: 1px solid #8886; border-radius: .6rem; font-size: .85em; padding: 0 .45rem; white-space: nowrap; }
.pii { border-color: #c33; color: #c33; }
.list { display: block; }
[hidden] { display: none !important; }
@media (max-width: 64rem) {
  thead { display: none; }
  table, tbody, tr, td { display: block; }
  tr { border: 1px solid var(--line); border-radius: .5rem; margin: .6rem 0; padding: .3rem 0; }
  td { border: 0; overflow-wrap: anywhere; padding: .1rem .7rem; }
  td:empty { display: none; }
  td:nth-child(n+3)::before { color: GrayText; content: attr(data-head) ": "; }
}
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
_HEADS = ("Kind", "Name", "Type", "By", "Owner", "Fresh within", "Valid for", "From", "Read by", "About")
_WIDE = ("Name", "From", "About")


def page(entries: Sequence[Entry], title: str) -> str:
    """The whole page. Each row has an id, so that `#feature/profile:age` leads to it."""
    anchors = {(entry.kind, entry.name): _anchor(entry) for entry in entries}
    table = [_cells(entry, anchors) for entry in entries]
    # What nobody declared takes no room.
    kept = [index for index in range(len(_HEADS)) if index < 2 or any(cells[index] for cells in table)]
    rows = "\n".join(
        _row(anchors[entry.kind, entry.name], cells, kept) for entry, cells in zip(entries, table, strict=True)
    )
    heads = "".join(f'<th scope="col">{_HEADS[index]}</th>' for index in kept)
    total = "1 entry" if len(entries) == 1 else f"{len(entries):,} entries"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f'<p id="filter" hidden><label>Filter <input id="query" type="search" autocomplete="off"></label></p>\n'
        f'<p id="count" role="status">{total}</p>\n'
        f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n"
        f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _row(anchor: str, cells: Sequence[str], kept: Sequence[int]) -> str:
    shown = (
        f'<td{" class=wide" if _HEADS[index] in _WIDE else ""} data-head="{_HEADS[index]}">{cells[index]}</td>'
        for index in kept
    )
    return f'<tr id="{anchor}">' + "".join(shown) + "</tr>"


def _cells(entry: Entry, anchors: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    """What stands under each head, escaped."""
    link = partial(_linked, anchors)
    texts = [text for text in (escape(entry.description), _labels("pii", [entry.pii] if entry.pii else ()),
                               _labels("tag", (f"{key}={value}" for key, value in entry.tags))) if text]  # fmt: skip
    about = " ".join(texts)
    if entry.features:
        listed = ", ".join(link(("feature",), name) for name in entry.features)
        about += f'<code class="list">{listed}</code>'
    by = [escape(name) if entry.kind == "entity" else link(("entity",), name) for name in entry.entities]
    sources = [link(("source", "feature view"), name) for name in entry.source.split(", ") if name]
    return (
        escape(entry.kind),
        f'<code><a href="#{anchors[entry.kind, entry.name]}">{escape(entry.name)}</a></code>',
        escape(f"{entry.dtype} {entry.unit}".strip()),
        ", ".join(by),
        escape(entry.owner),
        escape(entry.sla),
        escape(entry.ttl),
        ", ".join(sources),
        "<br>".join(map(escape, entry.models)),
        about,
    )


def _anchor(entry: Entry) -> str:
    """What a link to the entry says: no spaces, nothing that ends an attribute."""
    return escape(f"{entry.kind}/{entry.name}".replace(" ", "-"))


def _linked(anchors: Mapping[tuple[str, str], str], kinds: Sequence[str], name: str) -> str:
    """`name` as a link to the first of `kinds` that has it; plain text where none does."""
    found = next((anchors[kind, name] for kind in kinds if (kind, name) in anchors), None)
    return escape(name) if found is None else f'<a href="#{found}">{escape(name)}</a>'


def _labels(style: str, texts: Iterable[str]) -> str:
    return " ".join(f'<span class="{style}">{escape(text)}</span>' for text in texts)
