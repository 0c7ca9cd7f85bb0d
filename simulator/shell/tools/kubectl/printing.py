"""How objects are printed: columns, wide, JSON, YAML, names, paths and columns of one's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from reference_platform.errors import CommandError
from simulator.shell.table import table
from simulator.shell.tools.kubectl.kinds import GROUPS, SPELLINGS
from simulator.shell.tools.kubectl.objects import Json
from simulator.shell.tools.kubectl.paths import find, render, shown
from simulator.shell.tools.kubectl.rows import Listing, Row

ROWS_MAX = 100
CLUSTER_WIDE = ("nodes", "namespaces")
OUTPUTS = ("wide", "json", "yaml", "name", "jsonpath=...", "custom-columns=...")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a line said about its output. `single` prints one object bare and not as a list."""

    output: str = ""
    namespaced: bool = False
    show_labels: bool = False
    label_columns: tuple[str, ...] = ()
    no_headers: bool = False
    kinded: bool = False
    single: bool = False


def checked(output: str) -> None:
    """Refuse an output format that there is not, before anything is looked at."""
    name, _, rest = output.partition("=")
    if name in ("go-template", "go-template-file", "jsonpath-file", "jsonpath-as-json", "custom-columns-file"):
        raise CommandError(
            f"error: -o {name} is not simulated", fix="-o jsonpath='{.items[*].metadata.name}' reads any field"
        )
    if output not in ("", "wide", "json", "yaml", "name") and name not in ("jsonpath", "custom-columns"):
        what = f'error: unable to match a printer suitable for the output format "{output[:40]}"'
        raise CommandError(what, fix=f"allowed here: {', '.join(OUTPUTS)}")
    if name in ("jsonpath", "custom-columns") and not rest:
        example = "{.items[*].metadata.name}" if name == "jsonpath" else "NAME:.metadata.name,NODE:.spec.nodeName"
        raise CommandError(f"error: {name} format specified but no template given", fix=f"-o {name}='{example}'")


def named(kind: str, name: str) -> str:
    """`pod/x`, `deployment.apps/x`."""
    group = GROUPS.get(kind, "").partition(".")[2]
    return f"{SPELLINGS[kind][0]}{'.' if group else ''}{group}/{name}"


def printed(listing: Listing, rows: Sequence[Row], shape: Shape) -> str:
    """The rows as `shape` wants them."""
    name, _, rest = shape.output.partition("=")
    if name in ("json", "yaml", "jsonpath"):
        document = bundle([row.document for row in rows], shape.single)
        if name == "jsonpath":
            return render(rest, document)
        return json.dumps(document, indent=4) if name == "json" else yaml.dump(document, Dumper=_Dumper).rstrip()
    if not rows:
        return ""
    left = len(rows) - ROWS_MAX
    more = [f"... {left} more"] if left > 0 else []
    rows = rows[:ROWS_MAX]
    if name == "name":
        return "\n".join([*(named(listing.kind, row.document["metadata"]["name"]) for row in rows), *more])
    if name == "custom-columns":
        return "\n".join([_columns(rest, rows, shape.no_headers), *more])
    return "\n".join([_table(listing, rows, shape), *more])


def bundle(documents: Sequence[Json], single: bool) -> Json:
    """One object as it is, several as a List."""
    if single and len(documents) == 1:
        return documents[0]
    return {"apiVersion": "v1", "items": list(documents), "kind": "List", "metadata": {"resourceVersion": ""}}


class _Dumper(yaml.SafeDumper):
    """Writes every object in full, as kubectl does, and never an anchor."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _columns(text: str, rows: Sequence[Row], no_headers: bool) -> str:
    pairs = [part.partition(":")[::2] for part in text.split(",")]
    if not all(header and path for header, path in pairs):
        what = f"error: unexpected custom-columns spec: {text[:60]}, expected <header>:<json-path-expr>"
        raise CommandError(what, fix="-o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName")
    cells = [[",".join(map(shown, find(row.document, path))) or "<none>" for _, path in pairs] for row in rows]
    return table(() if no_headers else [header for header, _ in pairs], cells)


def _table(listing: Listing, rows: Sequence[Row], shape: Shape) -> str:
    wide, spread = shape.output == "wide", shape.namespaced and listing.kind not in CLUSTER_WIDE
    headers = [*(("NAMESPACE",) if spread else ()), *listing.headers, *(listing.wide if wide else ())]
    headers += [key.rpartition("/")[2].upper() for key in shape.label_columns]
    headers += ["LABELS"] if shape.show_labels else []
    lines = []
    for row in rows:
        own = list(row.cells)
        if shape.kinded and listing.kind != "events":
            own[0] = named(listing.kind, own[0])
        cells = [*((row.namespace,) if spread else ()), *own, *(row.wide if wide else ())]
        cells += [row.labels.get(key, "") for key in shape.label_columns]
        pairs = (f"{key}={value}" for key, value in sorted(row.labels.items()))
        lines.append([*cells, *((",".join(pairs) or "<none>",) if shape.show_labels else ())])
    return table(() if shape.no_headers else headers, lines)
