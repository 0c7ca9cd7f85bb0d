"""Ingest: the feeds of all sources in front of one feature pipeline, moved along step by step."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reference_platform.errors import CommandError, nearest
from reference_platform.features.definitions import Columns
from reference_platform.shop.feed import Delivery, EventFeed
from reference_platform.shop.pipeline import FeaturePipeline
from reference_platform.shop.producers import Sender
from reference_platform.shop.topics import CONTRACTS

"""Name of the deployment that consumes the topics and computes the features."""
ORIGINS_MAX = 2000


@dataclass(frozen=True, slots=True)
class IngestLine:
    """One log line of the pipeline."""

    t_s: float
    level: Literal["INFO", "WARN"]
    text: str


@dataclass(frozen=True, slots=True)
class _Origin:
    """The producer releases behind the events of one step."""

    at_s: float
    releases: frozenset[str]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did."""

    from_s: float
    events: int
    rows: Mapping[str, int]


class Ingest:
    """What stands between the shop and the offline store. `collect` and then `process` are one step."""

    def __init__(self, pipeline: FeaturePipeline, now_s: float) -> None:
        self.pipeline = pipeline
        self.feeds = {source: EventFeed(contract) for source, contract in CONTRACTS.items()}
        self._origins: dict[str, deque[_Origin]] = {source: deque(maxlen=ORIGINS_MAX) for source in self.feeds}
        self._dead_logged = dict.fromkeys(self.feeds, 0)
        pipeline.keep_savepoint(now_s)

    def feed(self, source: str) -> EventFeed:
        """The feed of `source`. Raises CommandError when there is none."""
        if source not in self.feeds:
            raise CommandError(f'source "{source[:60]}" not found', fix=nearest(source, self.feeds))
        return self.feeds[source]

    def set_members(self, members: Sequence[str]) -> None:
        """These processes of the pipeline are up; none means that it stands still."""
        for feed in self.feeds.values():
            feed.consumer.set_members(members)

    def collect(
        self, events: Mapping[str, Columns], senders: Mapping[str, Sequence[Sender]], now_s: float
    ) -> dict[str, Delivery]:
        """Take the shop's events of the step as far as the consumers, by source."""
        return {source: feed.step(events[source], senders[source], now_s) for source, feed in self.feeds.items()}

    def process(self, deliveries: Mapping[str, Delivery], now_s: float) -> list[IngestLine]:
        """Compute features of what was delivered. Without a process of the pipeline nothing happens."""
        if not any(feed.consumer.members for feed in self.feeds.values()):
            return []
        for source, delivery in deliveries.items():
            if delivery.releases:
                self._origins[source].append(_Origin(now_s, delivery.releases))
        self.pipeline.run({source: delivery.columns for source, delivery in deliveries.items()}, now_s)
        self.pipeline.keep_savepoint(now_s)
        return self._complaints(now_s)

    def replay(self, source: str, since_s: float, senders: Sequence[Sender], now_s: float) -> Replayed:
        """Compute the features of `source` anew from the last savepoint before `since_s`, with the events sent again.

        Raises CommandError when no savepoint is that old, and when producer or pipeline is down.
        """
        feed = self.feed(source)
        if not feed.consumer.members:
            raise CommandError("no process of the pipeline is ready to read the events again", fix="kubectl get pods")
        if not senders:
            raise CommandError(f"no {feed.contract.producer} pod is ready to send the events again")
        from_s = self.pipeline.go_back(source, since_s)
        delivery = feed.replay(senders, from_s, now_s)
        rows = self.pipeline.rebuild(source, delivery.columns, now_s)
        kept = [origin for origin in self._origins[source] if origin.at_s <= from_s]
        self._origins[source].clear()
        self._origins[source].extend([*kept, _Origin(now_s, delivery.releases)])
        return Replayed(from_s, delivery.count, rows)

    def releases_since(self, source: str, since_s: float) -> frozenset[str]:
        """The producer releases behind what the features of `source` have taken in after `since_s`."""
        return frozenset[str]().union(*(o.releases for o in self._origins[source] if o.at_s > since_s))

    def _complaints(self, now_s: float) -> list[IngestLine]:
        lines: list[IngestLine] = []
        for source, feed in self.feeds.items():
            consumer = feed.consumer
            dead = sum(consumer.counts.dead.values())
            grown, self._dead_logged[source] = dead - self._dead_logged[source], dead
            if grown:
                letter = consumer.dead_letters[-1]
                sent_by = f"{feed.contract.producer} {letter.release}"
                text = f"[{source}] {grown} records put aside, the last because {letter.reason} (sent by {sent_by})"
                lines.append(IngestLine(now_s, "WARN", text))
        return lines
