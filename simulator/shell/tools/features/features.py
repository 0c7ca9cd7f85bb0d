"""`features`: views, materialisation jobs, their locks, and the values online and offline."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable

import numpy as np

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError, nearest
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.port import Status
from reference_platform.roles import MATERIALIZER as JOBS
from reference_platform.roles import PIPELINE, STORE
from reference_platform.shop.materializer import JobStatus, MaterializerJob
from reference_platform.shop.rows import to_seconds
from reference_platform.shop.serving import read_features
from reference_platform.shop.topics import PARTITIONS
from simulator.plant.knobs import Backfill, RestartJob, UnlockJob, turn
from simulator.shell.calendar import age, clock
from simulator.shell.components import distinct, models_reading
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import is_digits, length_s
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table


def _view_names(op: Operator) -> Iterable[str]:
    return [view.name for view in op.plant.views]


def _one_view(parser: Arguments) -> None:
    parser.add_argument("view")


def _show_options(parser: Arguments) -> None:
    _one_view(parser)
    parser.add_argument("--entity", "-e")


def _materialize_options(parser: Arguments) -> None:
    _one_view(parser)
    parser.add_argument("--backfill")


def _unlock_options(parser: Arguments) -> None:
    _one_view(parser)
    parser.add_argument("--owner")


def _view(op: Operator, name: str) -> FeatureView:
    wanted = name.replace("-", "_").lower()
    for view in op.plant.views:
        if view.name == wanted:
            return view
    raise CommandError(f'feature view "{name[:60]}" not found', fix=nearest(wanted, _view_names(op)))


def _job(op: Operator, name: str) -> MaterializerJob:
    return op.plant.materializer.job(_view(op, name).name)


def _ago(op: Operator, t_s: float) -> str:
    return f"{format_duration(op.now_s - t_s)} ago" if math.isfinite(t_s) else "never"


def _at(op: Operator, t_s: float) -> str:
    return clock(op, t_s) if math.isfinite(t_s) else "never"


@command(
    "features list",
    "features list",
    takes_s=1.5,
    aliases=["features"],
    looked=("features",),
    sight="jobs",
)
def views_list(op: Operator, _: argparse.Namespace) -> Effect:
    """Feature views: entity, source, schedule, promise, owner."""
    rows = [
        (view.name, view.entity.name, str(view.width), view.source.name, format_duration(view.every_s),
         format_duration(view.freshness_sla_s), format_duration(view.ttl_s), view.owner,
         ", ".join(models_reading(op, view.name)) or "-")
        for view in op.plant.views
    ]  # fmt: skip
    headers = ("VIEW", "ENTITY", "FEATURES", "SOURCE", "EVERY", "SLA", "TTL", "OWNER", "READ BY")
    return Effect(table(headers, rows), looked=DECLARED)


@command(
    "features status",
    "features status",
    takes_s=1.5,
    aliases=["features freshness"],
    looked=("features", "upstream", "jobs"),
    sight="jobs",
)
def status(op: Operator, _: argparse.Namespace) -> Effect:
    """Per view: what the scheduler reports of its job, the watermark and its age."""
    rows = []
    late: list[str] = []
    for job in op.plant.materializer.jobs():
        shown = job.status(op.now_s)
        age_s = job.age_s(op.now_s)
        if age_s > job.view.freshness_sla_s or shown.state == "STOPPED":
            late += models_reading(op, job.job)
        rows.append(
            (
                job.job,
                shown.state,
                _ago(op, shown.heartbeat_s),
                _at(op, shown.watermark_s),
                format_duration(age_s) if math.isfinite(age_s) else "-",
                format_duration(job.view.freshness_sla_s),
                _own_rows(shown)
                + (f" + {shown.backfill_rows_per_s:.1f} backfill" if shown.backfill_rows_per_s else ""),
            )
        )
    text = table(("VIEW", "STATE", "HEARTBEAT", "LAST OK", "AGE", "SLA", "ROWS/S"), rows)
    return Effect(text, looked=DECLARED, subjects=distinct([JOBS, *late]))


@command(
    "features jobs",
    "features jobs",
    takes_s=1.5,
    aliases=["jobs"],
    looked=("features", "upstream", "jobs"),
    sight="jobs",
)
def jobs(op: Operator, _: argparse.Namespace) -> Effect:
    """Materialisation jobs as the scheduler knows them: run, state, start, heartbeat."""
    rows = []
    for job in op.plant.materializer.jobs():
        shown = job.status(op.now_s)
        rows.append(
            (
                job.job,
                shown.run,
                shown.state,
                _at(op, shown.since_s),
                _ago(op, shown.heartbeat_s),
                _own_rows(shown),
            )
        )
        if shown.backfill_since_s is not None:
            since, rate = _at(op, shown.backfill_since_s), f"{shown.backfill_rows_per_s:.1f}"
            rows.append((job.job, "backfill", "RUNNING", since, "-", rate))
    text = table(("JOB", "RUN", "STATE", "STARTED", "HEARTBEAT", "ROWS/S"), rows)
    return Effect(text, looked=DECLARED, subjects=(JOBS,))


@command(
    "features locks",
    "features locks",
    takes_s=1.5,
    aliases=["features lock"],
    looked=("features", "upstream", "jobs"),
    sight="jobs",
)
def locks(op: Operator, _: argparse.Namespace) -> Effect:
    """The lock table of the jobs: which run holds which lock, and since when."""
    rows = []
    for job in op.plant.materializer.jobs():
        row = op.plant.materializer.locks.row(job.job)
        if row is not None:
            rows.append((row.job, row.owner, _at(op, row.taken_s), age(op, row.taken_s)))
    text = table(("JOB", "OWNER", "TAKEN", "HELD FOR"), rows) if rows else "no lock is held"
    return Effect(text, looked=DECLARED, subjects=(JOBS,))


@command(
    "features show",
    "features show VIEW [--entity N]",
    takes_s=2.0,
    configure=_show_options,
    complete=_view_names,
    looked=("features", "upstream"),
    sight="values",
)
def show(op: Operator, args: argparse.Namespace) -> Effect:
    """One entity's values online and offline, with their ages, and how many entities differ."""
    view = _view(op, args.view)
    latest = op.plant.offline.latest(view.name)
    if not len(latest):
        raise CommandError(f"{view.name} has no rows yet", fix="features status")
    entity = _entity(view, args.entity, int(latest.entity[int(np.argmax(latest.event_us))]))
    everybody, one = read_features(op.plant.online, [(view, latest.entity), (view, np.array([entity]))], op.now_s)
    behind = int((everybody.event_us < latest.event_us).sum())
    at = np.flatnonzero(latest.entity == entity)
    lines = [
        f"{view.name}: {view.description}",
        f"{view.entity.name} {entity}",
        f"  online row of   {_stamp(op, to_seconds(int(one.event_us[0])))}, {Status(int(one.status[0])).name}",
        f"  offline row of  {_stamp(op, to_seconds(int(latest.event_us[at[0]]))) if len(at) else 'never'}",
        f"{behind:,} of {len(latest):,} {view.entity.name}s have a newer row offline than online",
        "",
    ]
    rows = []
    for index, feature in enumerate(view.schema):
        left = float(one.values[0, index])
        right = float(latest.values[at[0], index]) if len(at) else math.nan
        rows.append(
            (feature.name, _shown(left), _shown(right), "" if left == right or left != left else f"{right - left:+.3g}")
        )
    text = "\n".join(lines) + table(("FEATURE", "ONLINE", "OFFLINE", "DIFFERENCE"), rows)
    subjects = distinct([JOBS, STORE, "offline-store", *models_reading(op, view.name)])
    return Effect(text, looked=DECLARED, subjects=subjects)


def _entity(view: FeatureView, text: str | None, newest: int) -> int:
    if text is None:
        return newest
    if not is_digits(text) or len(text) > 9 or int(text) >= view.entity.count:
        what = f'{view.entity.name} "{text[:40]}" does not exist'
        raise CommandError(what, fix=f"--entity takes 0 to {view.entity.count - 1}")
    return int(text)


def _stamp(op: Operator, t_s: float) -> str:
    return f"{clock(op, t_s)} ({format_duration(op.now_s - t_s)} ago)" if math.isfinite(t_s) else "never"


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


@command(
    "features materialize",
    "features materialize VIEW [--backfill 72h]",
    takes_s=3.0,
    changes=True,
    configure=_materialize_options,
    complete=_view_names,
    aliases=["features backfill"],
)
def materialize(op: Operator, args: argparse.Namespace) -> Effect:
    """Ask for a run now, or copy everything of the last hours again with --backfill."""
    job = _job(op, args.view)
    if args.backfill is None:
        return _run_now(op, job)
    back_s = length_s(args.backfill, "--backfill")
    lines = turn(op.plant, Backfill(job.job, op.now_s - back_s)).result
    op.changed("backfill", [JOBS], f"{job.job}: backfill of the last {format_duration(back_s)}")
    text = "\n".join(f"{clock(op, line.t_s)} {line.level} [{line.job}] {line.text}" for line in lines)
    return Effect(text + "\nfollow it: features status", subjects=(JOBS,))


def _run_now(op: Operator, job: MaterializerJob) -> Effect:
    shown = job.status(op.now_s)
    if shown.state == "STOPPED":
        raise CommandError(f'job "{job.job}" is stopped', fix=f"features restart {job.job}")
    if _waits(shown) and shown.lock is not None:
        text = (
            f"run requested; {shown.run} is the current run\n{shown.run} waits for the lock of {job.job}, "
            f"held by {shown.lock.owner} since {_at(op, shown.lock.taken_s)}"
        )
    else:
        due_s = max(0.0, job.next_wake_s() - op.now_s)
        text = f"{shown.run} takes what is new at its next turn, in {due_s:.0f} s"
    return Effect(text, looked=DECLARED, subjects=(JOBS,))


def _own_rows(shown: JobStatus) -> str:
    """Rows per second that the run itself wrote."""
    return f"{shown.rows_per_s - shown.backfill_rows_per_s:.1f}"


def _waits(shown: JobStatus) -> bool:
    return shown.lock is not None and shown.lock.owner != shown.run


@command(
    "features restart",
    "features restart VIEW",
    takes_s=3.0,
    changes=True,
    configure=_one_view,
    complete=_view_names,
    aliases=["features jobs restart"],
)
def restart(op: Operator, args: argparse.Namespace) -> Effect:
    """End the current run of a view's job and start another."""
    job = _job(op, args.view)
    if not op.plant.role_up(JOBS):
        name = op.plant.spec.name_of(JOBS)
        raise CommandError(f"no {name} pod is ready to run jobs", fix=f"kubectl get pods -l app={name}")
    before = job.status(op.now_s).run
    lines = turn(op.plant, RestartJob(job.job)).result
    op.changed("restart_job", [JOBS], f"{job.job}: {before} -> {job.status(op.now_s).run}")
    text = "\n".join(f"{clock(op, line.t_s)} {line.level} [{line.job}] {line.text}" for line in lines)
    return Effect(text, subjects=(JOBS,))


@command(
    "features unlock",
    "features unlock VIEW [--owner RUN]",
    takes_s=3.0,
    changes=True,
    configure=_unlock_options,
    complete=_view_names,
    aliases=["features locks release"],
    looked=("features", "upstream", "jobs"),
)
def unlock(op: Operator, args: argparse.Namespace) -> Effect:
    """Remove the lock of a run that is gone; the lock of the live run is refused."""
    job = _job(op, args.view)
    row = op.plant.materializer.locks.row(job.job)
    if row is None:
        return Effect(f"{job.job} is not locked; nothing to do", looked=DECLARED, subjects=(JOBS,))
    if args.owner is not None and args.owner != row.owner:
        raise CommandError(f'the lock of {job.job} is not held by "{args.owner[:40]}"', fix="features locks")
    shown = job.status(op.now_s)
    if row.owner == shown.run and shown.state != "STOPPED":
        raise CommandError(
            f"{row.owner} is the live run of {job.job} and holds the lock rightly",
            why="without it a second run could copy the same rows at the same time",
            fix=f"let it finish, or end it first: features restart {job.job}",
        )
    turn(op.plant, UnlockJob(job.job))
    op.changed("unlock", [JOBS], f"{job.job}: lock of {row.owner} removed")
    text = f"lock of {job.job} removed; it was held by {row.owner} for {age(op, row.taken_s)}"
    return Effect(f"{text}\n{shown.run} goes on within seconds", subjects=(JOBS,))


@command(
    "features lineage",
    "features lineage VIEW",
    takes_s=1.5,
    configure=_one_view,
    complete=_view_names,
    looked=("features", "upstream"),
    sight="jobs",
)
def lineage(op: Operator, args: argparse.Namespace) -> Effect:
    """Where a view comes from and which models read it."""
    view = _view(op, args.view)
    readers = models_reading(op, view.name)
    producer = op.plant.ingest.feed(view.source.name).contract.producer
    releases = sorted({sender.release.version for sender in op.plant.senders(view.source.name)})
    lines = [
        f"source     {view.source.name} (shop events, every {format_duration(view.every_s)})",
        f"producer   {producer} {', '.join(releases) or '(no pod ready)'}",
        f"pipeline   {op.plant.spec.name_of(PIPELINE)}, {PARTITIONS} partitions",
        f"offline    offline-store: {view.name}, {view.width} features by {view.entity.name}",
        f"job        {op.plant.spec.name_of(JOBS)}: {view.name}",
        f"online     {op.plant.spec.name_of(STORE)}: {view.name}",
        f"read by    {', '.join(readers) or 'no serving model'}",
        f"owner      {view.owner}",
    ]
    return Effect("\n".join(lines), looked=DECLARED)
