"""Which objects a line means: names, label and field selectors, and the order they come in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reference_platform.errors import CommandError
from simulator.shell.tools.kubectl.paths import find, shown
from simulator.shell.tools.kubectl.rows import Listing, Row

_LABEL = re.compile(r"\s*([\w./-]+)\s*(!=|==?)\s*([\w.-]*)\s*|\s*([\w./-]+)\s+(in|notin)\s+\(([^()]*)\)\s*")
_HAS = re.compile(r"\s*(!?)\s*([\w./-]+)\s*")
_FIELD = re.compile(r"\s*([\w.]+)\s*(!=|==?)\s*([\w./-]*)\s*")
ANYWHERE = ("metadata.name", "metadata.namespace")
FIELDS = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
             "status.podIP", "status.nominatedNodeName"),
    "nodes": ("spec.unschedulable",),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "reason",
               "reportingComponent", "source", "type"),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
    "namespaces": ("status.phase",),
}  # fmt: skip
"""What the API server can choose by, besides `ANYWHERE`. Source: Kubernetes documentation, "Field Selectors"."""


def labelled(row: Row, selector: str) -> bool:
    """Whether the object has the labels that `-l` asks for. Raises CommandError."""
    for part in re.split(r",(?![^()]*\))", selector) if selector else ():
        has = _HAS.fullmatch(part)
        if has is not None:
            if (has[2] in row.labels) == bool(has[1]):
                return False
            continue
        found = _LABEL.fullmatch(part)
        if found is None:
            what = f'error: unable to parse requirement: "{part[:60]}"'
            raise CommandError(what, fix="-l app=recommendation, or -l 'app in (gateway, fallback)'")
        key, sign, wanted = (found[1], found[2], [found[3]]) if found[1] else (found[4], found[5], found[6].split(","))
        hit = row.labels.get(key, "") in [value.strip() for value in wanted]
        if hit == (sign in ("!=", "notin")):
            return False
    return True


def fielded(row: Row, selector: str, kind: str) -> bool:
    """Whether the object has the fields that `--field-selector` asks for. Raises CommandError."""
    for part in selector.split(",") if selector else ():
        found, known = _FIELD.fullmatch(part), (*ANYWHERE, *FIELDS.get(kind, ()))
        if found is None or found[1] not in known:
            raise CommandError(
                f'Error from server (BadRequest): field label not supported: "{part[:60]}"',
                fix=f"{kind} can be chosen by {', '.join(known)}",
            )
        values = find(row.document, "source.component" if found[1] == "source" else found[1])
        value = shown(values[0]) if values else "false" if found[1] == "spec.unschedulable" else ""
        if (value == found[3]) == (found[2] == "!="):
            return False
    return True


def in_order(rows: Sequence[Row], wanted: str) -> list[Row]:
    """Rows by the value at a path. Raises CommandError when no object has one."""
    if not wanted:
        return list(rows)
    path = wanted.strip("'\" ").strip("{}")
    values = [find(row.document, path) for row in rows]
    if rows and not any(values):
        what = f'error: couldn\'t find any field with path "{{.{path.lstrip(".")[:60]}}}" in the list of objects'
        raise CommandError(what, fix="--sort-by=.metadata.creationTimestamp")
    order = sorted(range(len(rows)), key=lambda at: _rank(values[at]))
    return [rows[at] for at in order]


def _rank(values: Sequence[Any]) -> tuple[int, float, str]:
    if not values:
        return 0, 0.0, ""
    value = values[0]
    if isinstance(value, int | float):
        return 1, float(value), ""
    return 2, 0.0, shown(value)


def chosen(listing: Listing, selector: str, field_selector: str, sort_by: str) -> list[Row]:
    """The rows of a listing that a line asks for, in its order."""
    rows = [row for row in listing.rows if labelled(row, selector)]
    rows = [row for row in rows if fielded(row, field_selector, listing.kind)]
    return in_order(rows, sort_by)
