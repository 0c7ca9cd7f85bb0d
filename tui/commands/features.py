"""`features`: a feature store of your own, from its first folder to the audit of what it served."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reference_platform.errors import CommandError, PagerDrillError
from tui.commands import feature_reports
from tui.commands.feature_arguments import (
    HERE,
    AsJson,
    FullNames,
    Purpose,
    Repo,
    Role,
    Views,
    asked_features,
    cell,
    declared,
    entity_row,
    instant_of,
    json_text,
    opened,
    table_of,
)
from tui.commands.feature_completions import complete_key, complete_push_source, complete_service
from tui.commands.feature_group import FeatureCommands
from tui.narration import Report, columns, progress, put, say

if TYPE_CHECKING:
    from reference_platform.features.materialization.progress import Progress
    from reference_platform.features.online_store.response import OnlineResponse
    from reference_platform.features.store import FeatureStore

EXIT_FELL_SHORT = 1
LOOK_S = 0.2
"""Pause between two looks at how far a run has come."""

features_app = typer.Typer(
    cls=FeatureCommands, help="A feature store: declare, join, materialise, serve, audit.", rich_markup_mode=None
)
Asked = Annotated[
    list[str],
    typer.Argument(help="view:feature ..., or the name of one service.", autocompletion=complete_service),
]


@features_app.command("init")
def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Make a small working repository to start from: definitions, configuration, a month of data."""
    from reference_platform.features.example.folder import write_example
    from reference_platform.features.times import instant
    from reference_platform.live.clock import system_now_us

    for path in write_example(folder, instant(system_now_us())):
        put(str(path))
    say(f"next: pagerdrill features apply -C {shlex.quote(str(folder))}")


@features_app.command("plan")
def plan(repo: Repo = HERE, as_json: AsJson = False) -> None:
    """Show what apply would change, and which models it would hit. Exit code 1 when apply would refuse."""
    with closing(opened(repo, applied=False)) as store:
        wanted = declared(store)
        with progress("plan"):
            found = store.plan(wanted)
    edits = [{"action": edit.action, "edit": str(edit), "breaking": edit.breaking} for edit in found.edits]
    put(json_text({"edits": edits, "refused": len(found.refused)}) if as_json else found.to_text())
    if found.refused:
        raise typer.Exit(EXIT_FELL_SHORT)


@features_app.command("apply")
def apply(
    repo: Repo = HERE,
    override: Annotated[str, typer.Option("--override", help="Apply breaking edits anyway, for this reason.")] = "",
) -> None:
    """Declare what the folder's .py and .yaml files say; what they no longer say goes."""
    from reference_platform.features.governance.access import Grants

    with closing(opened(repo, applied=False)) as store:
        wanted = declared(store)
        with progress("apply"):
            found = store.plan(wanted)
            store.apply(wanted.objects(), partial=False, override=override)
    put(found.to_text())
    if store.config.grants:
        feature_reports.warn_of_grants(Grants.from_yaml(repo / store.config.grants), wanted)


@features_app.command("teardown")
def teardown(repo: Repo = HERE, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete everything the store keeps: registry, online values, pushes, logs. Sources and definitions stay."""
    store = opened(repo, applied=False)
    if not yes:
        typer.confirm(f"delete everything that the store keeps in {store.data}?", abort=True, err=True)
    store.teardown()
    say(f"nothing is kept in {store.data} any more; sources and definitions are as they were")


@features_app.command("materialize")
def materialize(
    start: Annotated[str, typer.Argument(help="First event time, such as 2026-03-01 or 2026-03-01T12:00:00Z.")],
    end: Annotated[str, typer.Argument(help="Last event time, included.")],
    views: Views = None,
    repo: Repo = HERE,
    anew: Annotated[bool, typer.Option("--anew", help="Forget first what is online.")] = False,
) -> None:
    """Copy the newest rows between two instants to the online store."""
    since, until = instant_of(start), instant_of(end)
    with closing(opened(repo)) as store:
        names = _names(store, views)
        for stream in store.list_stream_feature_views():
            if stream.name in names:
                raise CommandError(
                    f"{stream.name} is a stream: its windows close by time, not by range",
                    fix=f"pagerdrill features materialize-incremental {stream.name}",
                )
        _materialized(store, names, lambda name: store.materialize(since, until, [name], anew=anew))


@features_app.command("materialize-incremental")
def materialize_incremental(
    end: Annotated[str, typer.Argument(help="Up to this instant; now if left out.")] = "",
    views: Views = None,
    repo: Repo = HERE,
) -> None:
    """Copy what became known since the last time, late rows included; a killed run goes on where it stopped."""
    from reference_platform.features.times import instant

    # No instant begins with a letter, and every view does.
    if end and not end[0].isdigit() and end[0] not in "+-":
        end, views = "", [end, *(views or ())]
    given = instant_of(end) if end else None
    with closing(opened(repo)) as store:
        until = given or instant(store.now_us())
        names = _names(store, views)
        if views is None:
            names += [view.name for view in store.list_stream_feature_views()]
        _materialized(store, names, lambda name: store.materialize_incremental(until, [name]))


def _names(store: FeatureStore, views: Sequence[str] | None) -> list[str]:
    """The views meant, each once, all of them known before the first is touched. Raises UnknownFeatureError."""
    if views is None:
        return [view.name for view in store.materialized_views()]
    return [store.get_feature_view(name).name for name in dict.fromkeys(views)]


def _materialized(store: FeatureStore, names: Sequence[str], run: Callable[[str], Mapping[str, Progress]]) -> None:
    rows = [("VIEW", "READ", "WRITTEN", "LATE", "LAG")]
    try:
        with progress("materialize") as report:
            for index, name in enumerate(names):
                with _watched(store, name, report, index / len(names), 1 / len(names)):
                    found = run(name).get(name)
                if found is None:
                    rows.append((name, "-", "-", "-", "windows"))
                    continue
                counts = found.counts
                lag_s = store.materialization.lag_s(store.get_feature_view(name), store.now_us())
                rows.append((name, f"{counts.read:,}", f"{counts.written:,}", f"{counts.late:,}", f"{lag_s:,.0f} s"))
    except KeyboardInterrupt:
        say("what is written stays; the same command goes on where this one stopped")
        raise
    put(columns(rows))
    if not names:
        say("no view is copied from a file")


@contextmanager
def _watched(store: FeatureStore, name: str, report: Report, done: float, share: float) -> Iterator[None]:
    """Report how far the run over one view has come, from the file in which it notes that itself."""
    from reference_platform.features.materialization.progress import ProgressFolder

    over = threading.Event()
    folder = ProgressFolder(store.data / "progress")

    def look() -> None:
        while not over.wait(LOOK_S):
            try:
                unfinished = folder.load(name).unfinished
            except (PagerDrillError, OSError):
                return
            if unfinished is not None:
                report(done + share * unfinished.ratio, name)

    report(done, name)
    looker = threading.Thread(target=look, name="progress", daemon=True)
    if sys.stderr.isatty():
        looker.start()
    try:
        yield
    finally:
        over.set()
        if looker.is_alive():
            looker.join()


@features_app.command("compact")
def compact(views: Views = None, repo: Repo = HERE) -> None:
    """Keep sorted copies of history, so that training sets take a fraction of the time."""
    rows = [("VIEW", "ROWS")]
    with closing(opened(repo)) as store, progress("compact") as report:
        names = [view.name for view in store.list_feature_views()] if views is None else _names(store, views)
        for index, name in enumerate(names):
            report(index / len(names), name)
            rows.append((name, f"{store.compact([name])[name]:,}"))
    put(columns(rows))


class Target(StrEnum):
    """Where pushed rows go."""

    ONLINE = "online"
    OFFLINE = "offline"
    BOTH = "both"


@features_app.command("push")
def push(
    source: Annotated[str, typer.Argument(help="A push source or a stream.", autocompletion=complete_push_source)],
    file: Annotated[Path, typer.Argument(help="Parquet or CSV with the rows.", exists=True, dir_okay=False)],
    to: Annotated[Target, typer.Option("--to", help="Where to: values, history, or both.")] = Target.ONLINE,
    repo: Repo = HERE,
) -> None:
    """Hand rows, or the events of a stream, to every view of a source. Older rows never replace newer ones."""
    from reference_platform.features.stream_views import StreamFeatureView
    from reference_platform.features.types import String
    from reference_platform.features.writes import PushMode

    modes = {Target.ONLINE: PushMode.ONLINE, Target.OFFLINE: PushMode.OFFLINE, Target.BOTH: PushMode.ONLINE_AND_OFFLINE}
    with closing(opened(repo)) as store, progress("push"):
        fed = [view for view in store.list_feature_views() if view.source.name == source]
        kinds = [pair for view in fed for pair in zip(view.join_keys, view.key_types, strict=True)]
        kinds += [(field.name, field.dtype) for view in fed for field in view.schema]
        table = table_of(file, [name for name, kind in kinds if kind is String], "rows")
        news = store.push(source, table, to=modes[to])
    put(f"{source}: {table.num_rows:,} rows, {news:,} of them news online")
    if not news and any(isinstance(view, StreamFeatureView) for view in fed):
        say("no window closed by them; events that come later than a view's allowed_lateness change none")


@features_app.command("get")
def get(
    features: Asked,
    entity: Annotated[
        list[str] | None,
        typer.Option("--entity", "-e", help="Join key or request value: driver_id=1001.", autocompletion=complete_key),
    ] = None,
    repo: Repo = HERE,
    as_json: AsJson = False,
    full_names: FullNames = False,
    role: Role = "",
    purpose: Purpose = "",
) -> None:
    """Read the newest values of one entity from the online store."""
    from reference_platform.live.tables import Readings

    asked = asked_features(features)
    # Closing writes down what was read and served; where that fails there is no answer, since nobody could audit it.
    with closing(opened(repo)) as store:
        row = entity_row(entity or (), Readings().reading(store.definitions, asked, full_names).columns)
        found = _values(store.get_online_features(asked, [row], full_names, role=role, purpose=purpose))
    if as_json:
        put(json_text([dict(zip(("feature", "value", "status", "event"), one, strict=True)) for one in found]))
    else:
        put(columns([("FEATURE", "VALUE", "STATUS", "EVENT"), *(tuple(map(cell, one)) for one in found)]))
    if found and {status for _, _, status, _ in found} == {"NOT_FOUND"}:
        say("no row of this entity is online; rows come by: pagerdrill features materialize-incremental")


def _values(answer: OnlineResponse) -> list[tuple[str, Any, str, str]]:
    """Name, value, status and event time of every feature of the first row."""
    from reference_platform.features.online_store.port import Status
    from reference_platform.features.times import NEVER_US, instant
    from reference_platform.features.types import UnixTimestamp

    found = []
    for index, (name, kind) in enumerate(zip(answer.names, answer.kinds, strict=True)):
        value, event_us = answer.values(index)[0], answer.event_us(index)[0]
        if kind is UnixTimestamp and value is not None:
            value = instant(value).isoformat()
        # A computed feature has no event of its own.
        seen = instant(event_us).isoformat(timespec="seconds") if event_us not in (0, NEVER_US) else "-"
        found.append((name, value, Status(answer.statuses(index)[0]).name, seen))
    return found


@features_app.command("training-set")
def training_set(
    labels: Annotated[
        Path, typer.Argument(help="Parquet or CSV with join keys and event_timestamp.", exists=True, dir_okay=False)
    ],
    features: Asked,
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")],
    repo: Repo = HERE,
    leaks: Annotated[bool, typer.Option("--leaks", help="Also say what would leak without the cutoff.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    full_names: FullNames = False,
    role: Role = "",
    purpose: Purpose = "",
) -> None:
    """Join labels with what was known of their entities at their instants."""
    from reference_platform.features.types import String
    from reference_platform.live.tables import Readings

    if out.is_file() and not force:
        raise CommandError(f"{out} exists", fix="choose another path, or replace it with --force")
    asked = asked_features(features)
    with closing(opened(repo)) as store, progress("training set"):
        kinds = Readings().reading(store.definitions, asked, full_names).columns
        table = table_of(labels, [name for name, kind in kinds.items() if kind is String], "labels")
        job = store.get_historical_features(table, asked, full_names, role=role, purpose=purpose)
        written = job.persist(out, allow_overwrite=force)
        report = job.leak_report() if leaks else None
    put(f"{written}: {job.to_arrow().num_rows:,} rows, {job.to_arrow().num_columns} columns")
    if report is not None:
        put(report.to_text())


@features_app.command("serve")
def serve(
    repo: Repo = HERE,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.", min=0, max=65535)] = 6566,
) -> None:
    """Serve the store over HTTP until interrupted."""
    from reference_platform.live.serve import serve as run

    with closing(opened(repo)) as store:

        def ready(address: str) -> None:
            say(f"serving {len(store.list_feature_views())} feature views of {store.repo_path} on {address}")
            say(f"catalogue: {address}/catalog   health: {address}/health   stop with Ctrl-C")

        run(store, host, port, ready=ready)


features_app.command("catalog")(feature_reports.catalog)
features_app.command("lineage")(feature_reports.lineage)
features_app.command("audit")(feature_reports.audit)
features_app.command("divergence")(feature_reports.divergence)
features_app.command("reads")(feature_reports.reads)
features_app.command("grants")(feature_reports.grants)
