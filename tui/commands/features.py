"""`features`: a feature store of your own, from its first folder to the audit of what it served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.commands.feature_arguments import complete_view, instant_of, key_of
from tui.narration import columns, progress, put, say

if TYPE_CHECKING:
    from reference_platform.features.store import FeatureStore

EXIT_FELL_SHORT = 1

features_app = typer.Typer(help="A feature store: declare, join, materialise, serve, audit.", rich_markup_mode=None)

Repo = Annotated[
    Path, typer.Option("--repo", "-C", help="Folder of definitions.", exists=True, file_okay=False, resolve_path=True)
]
Here = Path()
Views = Annotated[
    list[str] | None, typer.Argument(help="Feature views; all if left out.", autocompletion=complete_view)
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Role = Annotated[str, typer.Option("--role", help="Read as this role: grants decide on personal data.")]
Purpose = Annotated[str, typer.Option("--purpose", help="What for: a grant holds for one purpose.")]


def _opened(repo: Path) -> FeatureStore:
    from reference_platform.features import FeatureStore

    return FeatureStore(repo)


@features_app.command("init")
def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Make a small working repository to start from: definitions, configuration, a month of data."""
    from reference_platform.features.example.folder import write_example
    from reference_platform.features.times import instant
    from reference_platform.live.clock import system_now_us

    for path in write_example(folder, instant(system_now_us())):
        put(str(path))
    say(f"next: pagerdrill features apply -C {folder}")


@features_app.command("plan")
def plan(repo: Repo = Here, as_json: AsJson = False) -> None:
    """Show what apply would change, and which models it would hit. Exit code 1 when apply would refuse."""
    store = _opened(repo)
    found = store.plan(store.read_repository())
    edits = [{"action": edit.action, "edit": str(edit), "breaking": edit.breaking} for edit in found.edits]
    put(json.dumps({"edits": edits, "refused": len(found.refused)}) if as_json else found.to_text())
    if found.refused:
        raise typer.Exit(EXIT_FELL_SHORT)


@features_app.command("apply")
def apply(
    repo: Repo = Here,
    override: Annotated[str, typer.Option("--override", help="Apply breaking edits anyway, for this reason.")] = "",
) -> None:
    """Declare what the folder's .py and .yaml files say; what they no longer say goes."""
    store = _opened(repo)
    wanted = store.read_repository()
    found = store.plan(wanted)
    store.apply(wanted.objects(), partial=False, override=override)
    put(found.to_text())


@features_app.command("teardown")
def teardown(repo: Repo = Here, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete everything the store keeps: registry, online values, pushes, logs. Sources and definitions stay."""
    store = _opened(repo)
    if not yes:
        typer.confirm(f"delete everything in {store.data}?", abort=True, err=True)
    store.teardown()
    say(f"{store.data} is gone")


@features_app.command("materialize")
def materialize(
    start: Annotated[str, typer.Argument(help="First event time, such as 2026-03-01 or 2026-03-01T12:00:00Z.")],
    end: Annotated[str, typer.Argument(help="Last event time, included.")],
    views: Views = None,
    repo: Repo = Here,
) -> None:
    """Copy the newest rows between two instants to the online store."""
    store = _opened(repo)
    since, until = instant_of(start), instant_of(end)
    _materialized(store, views, lambda name: store.materialize(since, until, [name]))


@features_app.command("materialize-incremental")
def materialize_incremental(
    end: Annotated[str, typer.Argument(help="Up to this instant; now if left out.")] = "",
    views: Views = None,
    repo: Repo = Here,
) -> None:
    """Copy what became known since the last time, late rows included; a killed run goes on where it stopped."""
    from reference_platform.features.times import instant

    store = _opened(repo)
    until = instant_of(end) if end else instant(store.now_us())
    _materialized(store, views, lambda name: store.materialize_incremental(until, [name]))


def _materialized(store: FeatureStore, views: list[str] | None, run: Any) -> None:
    names = views or [view.name for view in store.materialized_views()]
    rows = [("VIEW", "READ", "WRITTEN", "LATE", "LAG")]
    with progress("materialize") as report:
        for index, name in enumerate(names):
            report(index / len(names), name)
            found = run(name)[name]
            lag_s = store.materialization.lag_s(store.get_feature_view(name), store.now_us())
            counts = found.counts
            rows.append((name, f"{counts.read:,}", f"{counts.written:,}", f"{counts.late:,}", f"{lag_s:,.0f} s"))
    put(columns(rows))


@features_app.command("compact")
def compact(views: Views = None, repo: Repo = Here) -> None:
    """Keep sorted copies of history, so that training sets take a fraction of the time."""
    store = _opened(repo)
    names = views or [view.name for view in store.list_feature_views()]
    rows = [("VIEW", "ROWS")]
    with progress("compact") as report:
        for index, name in enumerate(names):
            report(index / len(names), name)
            rows.append((name, f"{store.compact([name])[name]:,}"))
    put(columns(rows))


@features_app.command("get")
def get(
    features: Annotated[list[str], typer.Argument(help="view:feature ..., or the name of one service.")],
    entity: Annotated[list[str], typer.Option("--entity", "-e", help="Join key or request value: driver_id=1001.")],
    repo: Repo = Here,
    as_json: AsJson = False,
    role: Role = "",
    purpose: Purpose = "",
) -> None:
    """Read the newest values of one entity from the online store."""
    from reference_platform.features.online_store.port import Status
    from reference_platform.features.times import instant

    store = _opened(repo)
    asked = features[0] if len(features) == 1 and ":" not in features[0] else features
    row = dict(key_of(text) for text in entity)
    answer = store.get_online_features(asked, [row], role=role, purpose=purpose)
    found = []
    for index, name in enumerate(answer.names):
        event_us = answer.event_us(index)[0]
        seen = instant(event_us).isoformat(timespec="seconds") if event_us > 0 else "-"
        found.append((name, answer.values(index)[0], Status(answer.statuses(index)[0]).name, seen))
    if as_json:
        put(
            json.dumps(
                [dict(zip(("feature", "value", "status", "event"), one, strict=True)) for one in found], default=str
            )
        )
    else:
        put(columns([("FEATURE", "VALUE", "STATUS", "EVENT"), *((n, str(v), s, e) for n, v, s, e in found)]))
    store.close()


@features_app.command("training-set")
def training_set(
    labels: Annotated[Path, typer.Argument(help="Parquet or CSV with join keys and event_timestamp.", exists=True)],
    features: Annotated[list[str], typer.Argument(help="view:feature ..., or the name of one service.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")],
    repo: Repo = Here,
    leaks: Annotated[bool, typer.Option("--leaks", help="Also say what would leak without the cutoff.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    role: Role = "",
    purpose: Purpose = "",
) -> None:
    """Join labels with what was known of their entities at their instants."""
    store = _opened(repo)
    asked = features[0] if len(features) == 1 and ":" not in features[0] else features
    job = store.get_historical_features(_labels(labels), asked, role=role, purpose=purpose)
    with progress("training set"):
        written = job.persist(out, allow_overwrite=force)
    put(f"{written}: {job.to_arrow().num_rows:,} rows, {job.to_arrow().num_columns} columns")
    if leaks:
        put(job.leak_report().to_text())


def _labels(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    from reference_platform.errors import ContentError

    try:
        return pyarrow.csv.read_csv(path) if path.suffix.lower() == ".csv" else pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ContentError(
            "no table of labels", where=str(path), why=str(error).splitlines()[0][:200], fix="write Parquet or CSV"
        ) from error


@features_app.command("serve")
def serve(
    repo: Repo = Here,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.", min=0, max=65535)] = 6566,
) -> None:
    """Serve the store over HTTP until interrupted."""
    from reference_platform.live.serve import serve as run

    store = _opened(repo)

    def ready(address: str) -> None:
        say(f"serving {len(store.list_feature_views())} feature views of {store.repo_path} on {address}")
        say(f"catalogue: {address}/catalog   health: {address}/health   stop with Ctrl-C")

    try:
        run(store, host, port, ready=ready)
    finally:
        store.close()


@features_app.command("catalog")
def catalog(
    query: Annotated[list[str] | None, typer.Argument(help="Words to look for; everything if left out.")] = None,
    repo: Repo = Here,
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write the catalogue as one page.")] = None,
    role: Role = "",
    purpose: Purpose = "",
) -> None:
    """What there is: features, views, services, owners, promises, who uses them."""
    from reference_platform.features.governance.catalogue import Catalogue

    found = _opened(repo).catalogue(role=role, purpose=purpose)
    if query:
        found = Catalogue(found.search(" ".join(query)))
    if html is not None:
        html.write_text(found.to_html(), encoding="utf-8")
        say(f"wrote {html}")
    else:
        put(found.to_json().decode() if as_json else found.to_text())


@features_app.command("lineage")
def lineage(
    name: Annotated[str, typer.Argument(help="view:feature, or MODEL:VERSION.")],
    repo: Repo = Here,
    as_json: AsJson = False,
) -> None:
    """What a feature reaches, or what a model version stands on."""
    from dataclasses import asdict

    graph = _opened(repo).lineage()
    model, _, version = name.rpartition(":")
    found = graph.upstream(model, int(version)) if version.isdecimal() else graph.downstream(name)
    parts = asdict(found)
    if as_json:
        put(json.dumps({"name": name, **parts}, default=str))
        return
    for kind, names in parts.items():
        put(f"{kind:<10} {', '.join(map(str, names)) or '-'}")


@features_app.command("audit")
def audit(
    repo: Repo = Here,
    since: Annotated[str, typer.Option("--since", help="Only reads from this instant on.")] = "",
    until: Annotated[str, typer.Option("--until", help="Only reads up to this instant.")] = "",
    as_json: AsJson = False,
) -> None:
    """Replay every logged read against history and name the cause of each difference. Exit code 1 for unexplained."""
    from reference_platform.features.skew.run import run_audit
    from reference_platform.features.times import instant_us

    def us(text: str) -> int | None:
        return instant_us(instant_of(text)) if text else None

    with progress("audit"):
        report = run_audit(_opened(repo), since_us=us(since), until_us=us(until))
    put(json.dumps(report.to_json()) if as_json else report.to_text())
    if report.unexplained:
        raise typer.Exit(EXIT_FELL_SHORT)
