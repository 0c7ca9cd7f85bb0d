"""Which filters there are, and a chain of them over a text."""

from __future__ import annotations

from collections.abc import Sequence

from reference_platform.errors import CommandError, near_miss
from simulator.shell.filters.awk import prepare_awk
from simulator.shell.filters.columns import prepare_column, prepare_cut, prepare_paste, prepare_tr
from simulator.shell.filters.grep import prepare_grep
from simulator.shell.filters.jq import prepare_jq
from simulator.shell.filters.lines import (
    prepare_cat,
    prepare_head,
    prepare_nl,
    prepare_pager,
    prepare_sort,
    prepare_tac,
    prepare_tail,
    prepare_uniq,
    prepare_wc,
)
from simulator.shell.filters.options import Filter, Prepare
from simulator.shell.filters.sed import prepare_sed

FILTERS: dict[str, Prepare] = {
    "grep": prepare_grep,
    "egrep": lambda words: prepare_grep(words, extended=True),
    "fgrep": lambda words: prepare_grep(words, fixed=True),
    "head": prepare_head,
    "tail": prepare_tail,
    "wc": prepare_wc,
    "sort": prepare_sort,
    "uniq": prepare_uniq,
    "cut": prepare_cut,
    "awk": prepare_awk,
    "sed": prepare_sed,
    "tr": prepare_tr,
    "jq": prepare_jq,
    "column": prepare_column,
    "paste": prepare_paste,
    "nl": prepare_nl,
    "tac": prepare_tac,
    "cat": prepare_cat,
    "less": prepare_pager,
    "more": prepare_pager,
}
SELECTING = ("grep", "egrep", "fgrep")
"""Filters that fail when nothing is left."""


def prepared(words: Sequence[str]) -> Filter:
    """The filter that a stage asks for, ready to run. Raises CommandError naming the filters there are."""
    name = words[0] if words else ""
    found = FILTERS.get(name)
    if found is None:
        slip = near_miss(name, FILTERS)
        fix = f"{slip}  filters: {', '.join((*FILTERS, 'xargs', 'tee'))}".strip()
        raise CommandError(f"{name}: not a filter", fix=fix)
    return found(list(words[1:]))


def filtered(text: str, filters: Sequence[Filter]) -> str:
    """`text` after it went through each of the filters."""
    lines = text.split("\n") if text else []
    for run in filters:
        lines = run(lines)
    return "\n".join(lines)


def apply_filters(text: str, stages: Sequence[Sequence[str]]) -> str:
    """`text` after it went through each stage as typed. Raises CommandError before any of them runs."""
    return filtered(text, [prepared(words) for words in stages])
