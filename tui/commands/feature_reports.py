"""What `features` tells of a store: its catalogue, what comes from what, who read what, and who may."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reference_platform.errors import ConfigError, ContentError
from tui.commands.feature_arguments import (
    HERE,
    AsJson,
    Purpose,
    Repo,
    Role,
    cell,
    json_text,
    opened,
    span_us,
    table_of,
)
from tui.commands.feature_completions import complete_feature, complete_service
from tui.narration import columns, progress, put, say

if TYPE_CHECKING:
    from reference_platform.features.definition_set import DefinitionSet
    from reference_platform.features.governance.access import Grant, Grants

EXIT_FELL_SHORT = 1
SOON_DAYS = 7
DAY_US = 86_400_000_000


def catalog(
    query: Annotated[list[str] | None, typer.Argument(help="Words to look for; everything if left out.")] = None,
    repo: Repo = HERE,
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write the catalogue as one page.")] = None,
    role: Role = "",
    purpose: Purpose = "",
) -> None:
    """What there is: features, views, services, owners, promises, who uses them."""
    from reference_platform.features.governance.catalogue import Catalogue

    with closing(opened(repo)) as store, progress("catalogue"):
        found = store.catalogue(role=role, purpose=purpose)
    if query:
        found = Catalogue(found.search(" ".join(query)))
    if html is not None:
        html.write_text(found.to_html(), encoding="utf-8")
        say(f"wrote {html}")
    else:
        put(found.to_json().decode() if as_json else found.to_text())


def lineage(
    name: Annotated[str, typer.Argument(help="view:feature, or MODEL:VERSION.", autocompletion=complete_feature)],
    repo: Repo = HERE,
    as_json: AsJson = False,
) -> None:
    """What a feature reaches, or what a model version stands on."""
    with closing(opened(repo)) as store, progress("lineage"):
        graph = store.lineage()
        model, _, version = name.rpartition(":")
        found = graph.upstream(model, int(version)) if version.isdecimal() else graph.downstream(name)
    parts = asdict(found)
    if as_json:
        put(json_text({"name": name, **parts}))
        return
    for kind, names in parts.items():
        put(f"{kind:<10} {', '.join(map(str, names)) or '-'}")


def audit(
    repo: Repo = HERE,
    since: Annotated[str, typer.Option("--since", help="Only reads from this instant on.")] = "",
    until: Annotated[str, typer.Option("--until", help="Only reads before this instant.")] = "",
    as_json: AsJson = False,
) -> None:
    """Replay every logged read against history and name the cause of each difference.

    Exit code 1 when one has none, or when a part of the log is damaged.
    """
    from reference_platform.features.replay_audit import run_audit

    start_us, end_us = span_us(since, until)
    with closing(opened(repo)) as store, progress("audit"):
        report = run_audit(store, since_us=start_us, until_us=end_us)
    put(json.dumps(report.to_json()) if as_json else report.to_text())
    if report.unexplained or report.damaged_segments:
        raise typer.Exit(EXIT_FELL_SHORT)


def divergence(
    service: Annotated[str, typer.Argument(help="A service that logs.", autocompletion=complete_service)],
    training: Annotated[Path, typer.Argument(help="Parquet or CSV of the training set.", exists=True, dir_okay=False)],
    repo: Repo = HERE,
    since: Annotated[str, typer.Option("--since", help="Only reads from this instant on.")] = "",
    until: Annotated[str, typer.Option("--until", help="Only reads before this instant.")] = "",
    as_json: AsJson = False,
) -> None:
    """Compare what was served with a training set, feature by feature. Exit code 1 when one is significantly off."""
    from reference_platform.features.skew.divergence import divergence as compared
    from reference_platform.features.skew.divergence import served_sides

    start_us, end_us = span_us(since, until)
    with closing(opened(repo)) as store, progress("divergence"):
        store.get_feature_service(service)
        rows = table_of(training, (), "the training set")
        report = compared(served_sides(store.ledgers.vectors, service, rows, since_us=start_us, until_us=end_us))
    put(json.dumps(report.to_json()) if as_json else report.to_text())
    if any(feature.verdict == "significant" for feature in report.diverged):
        raise typer.Exit(EXIT_FELL_SHORT)


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One read of the audit trail. `what`: the service, or the features; empty for a read that was refused."""

    sequence: int
    at_us: int
    role: str
    purpose: str
    what: tuple[str, ...]
    rows: int
    denied: int

    def cells(self) -> tuple[str, ...]:
        """As a row of a table."""
        what = ", ".join(self.what) or "refused"
        return (_when(self.at_us), cell(self.role or "-"), cell(self.purpose or "-"), cell(what), f"{self.rows:,}",
                f"{self.denied:,}")  # fmt: skip


def reads(
    repo: Repo = HERE,
    last: Annotated[int, typer.Option("--last", "-n", help="How many, the newest.", min=1, max=1_000_000)] = 20,
    as_json: AsJson = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that nobody changed the trail. Exit code 1 when somebody did.")
    ] = False,
) -> None:
    """Who read what, why and when: the end of the audit trail. Personal features show as their class."""
    from reference_platform.features.config import load_config
    from reference_platform.features.ledgers import Ledgers

    path = repo / "data" / "audit" / "reads.jsonl"
    if verify:
        key = load_config(repo).audit_key
        _verified(path, Ledgers(repo / "data", repo / key if key else None).audit_key(), as_json)
        return
    with progress("reads"):
        found, broken = newest_reads(path, last)
    if as_json:
        put(json_text([{**asdict(row), "at": _when(row.at_us)} for row in found]))
    else:
        put(columns([("WHEN", "ROLE", "PURPOSE", "WHAT", "ROWS", "DENIED"), *(row.cells() for row in found)]))
    if not found:
        say("nobody has read anything yet")
    if broken:
        say(f"{broken:,} lines are no records; see: pagerdrill features reads --verify")


def _verified(path: Path, key: bytes, as_json: bool) -> None:
    from reference_platform.features.governance.audit_check import verify

    if not path.parent.is_dir():
        raise ConfigError(f"there is no audit trail at {path}", fix="name the folder of the store with -C")
    with progress("verify"):
        report = verify(path, key=key)
    put(json_text({**asdict(report), "intact": report.intact}) if as_json else report.to_text())
    if not report.intact:
        raise typer.Exit(EXIT_FELL_SHORT)


def newest_reads(path: Path, last: int) -> tuple[list[ReadRow], int]:
    """The newest reads of the trail at `path`, oldest first, and how many lines on the way were no records.

    Goes back file by file, and no further than it must.
    """
    from reference_platform.features.governance.audit_file import closed_files

    if not path.parent.is_dir():
        return [], 0
    found: list[ReadRow] = []
    broken = 0
    for file in [path, *reversed(closed_files(path).values())]:
        if file.exists() and len(found) < last:
            rows, odd = _reads_of(file, last - len(found))
            found = rows + found
            broken += odd
    return found, broken


def _reads_of(file: Path, last: int) -> tuple[list[ReadRow], int]:
    named: dict[str, tuple[str, ...]] = {}
    rows: deque[ReadRow] = deque(maxlen=last)
    broken = 0
    with file.open("rb") as stream:
        for line in stream:
            try:
                record = json.loads(line)
                if record["kind"] == "names":
                    named[record["read"]] = (record["service"],) if record["service"] else tuple(record["features"])
                elif record["kind"] == "read":
                    rows.append(_row(record, named))
            except (ValueError, KeyError, TypeError):
                broken += 1
    return list(rows), broken


def _row(record: Mapping[str, Any], named: Mapping[str, tuple[str, ...]]) -> ReadRow:
    return ReadRow(
        int(record["seq"]),
        int(record["at_us"]),
        str(record["role"]),
        str(record["purpose"]),
        named.get(record["read"], ()),
        int(record["rows"]),
        int(record["denied"]),
    )


def grants(repo: Repo = HERE, as_json: AsJson = False) -> None:
    """Who may see which personal data, what for and until when. Warns of grants that end within a week."""
    from reference_platform.features.config import load_config
    from reference_platform.features.governance.access import Grants
    from reference_platform.live.clock import system_now_us

    named = load_config(repo).grants
    held = Grants.from_yaml(repo / named) if named else Grants()
    now_us = system_now_us()
    ordered = sorted(held, key=lambda grant: (grant.expires_us, grant.role, grant.purpose))
    if as_json:
        put(json_text([_grant_values(grant, now_us) for grant in ordered]))
    else:
        heads = ("ROLE", "PURPOSE", "MAY SEE", "UNTIL", "GRANTED BY", "REASON")
        put(columns([heads, *(_grant_cells(grant, now_us) for grant in ordered)]))
    if not ordered:
        say("nobody may see personal data; grants stand in a file that feature_store.yaml names: grants: grants.yaml")
    for grant in held.expiring(now_us, now_us + SOON_DAYS * DAY_US):
        say(f"ends soon: {grant.role} for {grant.purpose}, {_left(grant.expires_us - now_us)} from now")
    warn_of_grants(held, opened(repo, applied=False).definitions)


def warn_of_grants(held: Grants, definitions: DefinitionSet) -> None:
    """Say which grant is of something that is not declared: whoever wrote it meant something else."""
    try:
        held.check(definitions)
    except ContentError as error:
        say(f"warning: {error}")


def _grant_values(grant: Grant, now_us: int) -> dict[str, Any]:
    return {
        "role": grant.role,
        "purpose": grant.purpose,
        "pii": grant.pii,
        "features": grant.features,
        "expires": _when(grant.expires_us),
        "holds": now_us < grant.expires_us,
        "granted_by": grant.granted_by,
        "reason": grant.reason,
    }


def _grant_cells(grant: Grant, now_us: int) -> tuple[str, ...]:
    seen = ", ".join([*(f"class {name}" for name in grant.pii), *grant.features])
    until = _when(grant.expires_us) + ("" if now_us < grant.expires_us else " (ended)")
    return tuple(map(cell, (grant.role, grant.purpose, seen, until, grant.granted_by, grant.reason)))


def _left(us: int) -> str:
    days, hours = us // DAY_US, us // 3_600_000_000
    return f"{days} d" if days else f"{hours} h"


def _when(us: int) -> str:
    from reference_platform.features.times import instant

    try:
        return instant(us).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError):
        return f"{us} us"
