"""`features sources`, `features consumer`, ...: how raw events reach the feature pipeline, and what to do about it."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError
from reference_platform.roles import PIPELINE
from reference_platform.shop.feed import EventFeed
from reference_platform.shop.topics import PARTITIONS
from simulator.plant.knobs import Rebalance, ReplayEvents, SetDedup, turn
from simulator.shell.calendar import clock
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table

LETTERS_SHOWN = 12


def _source_names(op: Operator) -> Iterable[str]:
    return op.plant.ingest.feeds


def _one_source(parser: Arguments) -> None:
    parser.add_argument("source")


def _maybe_source(parser: Arguments) -> None:
    parser.add_argument("source", nargs="?")


def _dedup_options(parser: Arguments) -> None:
    _one_source(parser)
    parser.add_argument("state", choices=("on", "off"))


def _replay_options(parser: Arguments) -> None:
    _one_source(parser)
    parser.add_argument("--since", required=True)


def _feed(op: Operator, name: str) -> EventFeed:
    return op.plant.ingest.feed(name.lower().removesuffix("-producer"))


def _feeds(op: Operator, name: str | None) -> list[EventFeed]:
    return list(op.plant.ingest.feeds.values()) if name is None else [_feed(op, name)]


def _need_readers(op: Operator, feed: EventFeed) -> None:
    """Raise CommandError when no process of the pipeline reads the source."""
    if not feed.consumer.members:
        name = op.plant.spec.name_of(PIPELINE)
        raise CommandError(f"no {name} pod is ready", fix=f"kubectl get pods -l app={name}")


def _subjects(feeds: Iterable[EventFeed]) -> tuple[str, ...]:
    return distinct([PIPELINE, *(feed.contract.producer for feed in feeds)])


def _ago(op: Operator, t_s: float) -> str:
    return f"{format_duration(max(0.0, op.now_s - t_s))} ago" if math.isfinite(t_s) else "never"


@command(
    "features sources",
    "features sources",
    takes_s=1.5,
    aliases=["features ingest", "features topics"],
    looked=("features", "upstream"),
    sight="ingest",
)
def sources(op: Operator, _: argparse.Namespace) -> Effect:
    """Sources of raw events: who sends, how many were accepted, late, repeated, put aside, and the newest."""
    rows = []
    for source, feed in op.plant.ingest.feeds.items():
        consumer, counts = feed.consumer, feed.consumer.counts
        releases = sorted({sender.release.version for sender in op.plant.senders(source)})
        delay = f"{consumer.last.delay_s:+.0f} s" if math.isfinite(consumer.last.at_s) else "-"
        rows.append(
            (
                source,
                feed.contract.producer,
                ", ".join(releases) or "none ready",
                f"{counts.accepted:,}",
                f"{counts.late:,}",
                f"{counts.repeats:,}",
                f"{sum(counts.dead.values()):,}",
                f"{int(consumer.lag().sum()) + feed.outstanding:,}",
                _ago(op, float(consumer.watermark_s.max())),
                delay,
            )
        )
    headers = ("SOURCE", "PRODUCER", "RELEASE", "ACCEPTED", "LATE", "REPEATS", "DEAD", "LAG", "NEWEST EVENT", "DELAY")
    text = table(headers, rows) + "\nDELAY is broker time less event time, median of the last batch"
    return Effect(text, looked=DECLARED, subjects=_subjects(op.plant.ingest.feeds.values()))


@command(
    "features contract",
    "features contract SOURCE",
    takes_s=1.5,
    configure=_one_source,
    complete=_source_names,
    aliases=["features schema"],
    looked=("features", "upstream"),
    sight="ingest",
)
def contract(op: Operator, args: argparse.Namespace) -> Effect:
    """The fields agreed for a source beside those of the last batch: type, unit, share of nulls, mean."""
    feed = _feed(op, args.source)
    last = feed.consumer.last
    rows = []
    for release, sent in last.types.items():
        for column in feed.contract.columns:
            nulls, mean = last.null_ratio.get(column.name), last.mean.get(column.name)
            rows.append(
                (
                    column.name,
                    str(column.dtype),
                    column.unit or "-",
                    "yes" if column.required else "no",
                    release,
                    sent.get(column.name, "MISSING"),
                    "-" if nulls is None else f"{nulls:.1%}",
                    "-" if mean is None else f"{mean:.4g}",
                )
            )
        extra = [name for name in sent if name not in feed.contract.names]
        rows += [(name, "not agreed", "-", "-", release, sent[name], "-", "-") for name in extra]
    headers = ("COLUMN", "AGREED", "UNIT", "REQUIRED", "RELEASE", "SENT", "NULL", "MEAN")
    text = table(headers, rows) if rows else "no batch was read since the simulation began"
    return Effect(text, looked=DECLARED, subjects=_subjects([feed]))


@command(
    "features dead-letters",
    "features dead-letters [SOURCE]",
    takes_s=1.5,
    configure=_maybe_source,
    complete=_source_names,
    aliases=["features dlq", "features quarantine"],
    looked=("features", "upstream"),
    sight="ingest",
)
def dead_letters(op: Operator, args: argparse.Namespace) -> Effect:
    """Records that were put aside: how many for which reason, and the last ones."""
    feeds = _feeds(op, args.source)
    totals = [
        (feed.contract.source, kind, f"{count:,}")
        for feed in feeds
        for kind, count in sorted(feed.consumer.counts.dead.items())
    ]
    if not totals:
        return Effect("no record was put aside", looked=DECLARED, subjects=_subjects(feeds))
    rows = [
        (clock(op, letter.t_s), feed.contract.source, str(letter.event_id), str(letter.partition), letter.release,
         letter.reason)
        for feed in feeds
        for letter in list(feed.consumer.dead_letters)[-LETTERS_SHOWN:]
    ]  # fmt: skip
    text = table(("SOURCE", "REASON", "RECORDS"), totals)
    text += "\n\n" + table(("PUT ASIDE", "SOURCE", "EVENT", "PARTITION", "RELEASE", "WHY"), rows)
    return Effect(text, looked=DECLARED, subjects=_subjects(feeds))


@command(
    "features consumer",
    "features consumer [SOURCE]",
    takes_s=1.5,
    configure=_maybe_source,
    complete=_source_names,
    aliases=["features consumer status", "features consumers", "features partitions"],
    looked=("features", "upstream"),
    sight="ingest",
)
def consumer_status(op: Operator, args: argparse.Namespace) -> Effect:
    """The consumer group of each source: who reads which partition, its lag, its newest event."""
    feeds = _feeds(op, args.source)
    rows = []
    for feed in feeds:
        consumer, lag = feed.consumer, feed.consumer.lag()
        unowned = consumer.unowned()
        rows += [
            (
                feed.contract.source,
                str(partition),
                "-" if partition in unowned else consumer.owners[partition],
                f"{int(lag[partition]):,}",
                _ago(op, float(consumer.watermark_s[partition])),
            )
            for partition in range(PARTITIONS)
        ]
    text = table(("SOURCE", "PARTITION", "READ BY", "LAG", "NEWEST EVENT"), rows)
    removed = ", ".join(f"{feed.contract.source} {'on' if feed.consumer.dedup else 'off'}" for feed in feeds)
    return Effect(f"{text}\nremoval of repeats: {removed}", looked=DECLARED, subjects=_subjects(feeds))


@command(
    "features consumer rebalance",
    "features consumer rebalance SOURCE",
    takes_s=3.0,
    changes=True,
    configure=_one_source,
    complete=_source_names,
    sight="ingest",
)
def rebalance(op: Operator, args: argparse.Namespace) -> Effect:
    """Deal the partitions of a source out to the pipeline's processes anew."""
    feed = _feed(op, args.source)
    _need_readers(op, feed)
    turn(op.plant, Rebalance(feed.contract.source))
    op.changed("rebalance", [PIPELINE], f"{feed.contract.source}: partitions dealt out anew")
    text = f"{PARTITIONS} partitions of {feed.contract.source} dealt out to {len(feed.consumer.members)} processes"
    return Effect(f"{text}\nthe next step reads what waited", subjects=(PIPELINE,))


@command(
    "features consumer dedup",
    "features consumer dedup SOURCE on|off",
    takes_s=3.0,
    changes=True,
    configure=_dedup_options,
    complete=_source_names,
    sight="ingest",
)
def dedup(op: Operator, args: argparse.Namespace) -> Effect:
    """Switch the removal of repeated events on or off; it remembers event ids for half an hour."""
    feed = _feed(op, args.source)
    wanted = args.state == "on"
    if feed.consumer.dedup == wanted:
        return Effect(f"removal of repeats in {feed.contract.source} is {args.state} already", subjects=(PIPELINE,))
    turn(op.plant, SetDedup(feed.contract.source, wanted))
    op.changed("set_dedup", [PIPELINE], f"{feed.contract.source}: removal of repeats {args.state}")
    return Effect(f"removal of repeats in {feed.contract.source} is {args.state}", subjects=(PIPELINE,))


@command(
    "features replay",
    "features replay SOURCE --since 6h",
    takes_s=5.0,
    changes=True,
    configure=_replay_options,
    complete=_source_names,
    aliases=["features consumer reset"],
)
def replay(op: Operator, args: argparse.Namespace) -> Effect:
    """Compute the features of a source anew from the last savepoint before --since; producers send the events again."""
    feed = _feed(op, args.source)
    back_s = length_s(args.since, "--since")
    _need_readers(op, feed)
    done = turn(op.plant, ReplayEvents(feed.contract.source, op.now_s - back_s)).result
    op.changed("replay", [PIPELINE], f"{feed.contract.source}: replay of the last {format_duration(back_s)}")
    lines = [f"savepoint of {clock(op, done.from_s)} restored, {done.events:,} events read again"]
    lines += [f"{view}: {rows:,} rows written" for view, rows in done.rows.items()]
    return Effect("\n".join([*lines, "follow it: features status"]), subjects=_subjects([feed]))
