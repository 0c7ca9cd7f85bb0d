"""Lineage as OpenLineage 2-0-2 run events: source -> feature view -> feature service -> training set -> model version.

Lineage is metadata that other systems keep and show, so it never names a hidden field: `redaction` replaces each by its
class (`pii:email`), in schemas, tags and column lineage alike, also where the source has a column of that name.
Nothing here is drawn or read from a clock: the same call gives the same bytes, run id included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import FeatureView, FeatureViewProjection, Field
from reference_platform.features.governance import lineage_facets as parts
from reference_platform.features.governance.lineage_facets import ColumnInput, Dataset, Json
from reference_platform.features.governance.redaction import AnyView, Redaction
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource
from reference_platform.features.services import FeatureService, Part
from reference_platform.features.sources import KafkaSource, PushSource, Source
from reference_platform.features.stream_views import StreamFeatureView

PRODUCER = "urn:pagerdrill:feature-store"
EventType = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]


@dataclass(frozen=True, slots=True)
class LineageEvent:
    """One RunEvent. Events of one run share `run_id`; a run should have a START and one of COMPLETE, ABORT or FAIL."""

    event_type: EventType
    at_us: int
    job_namespace: str
    job: str
    run_id: str
    inputs: tuple[Dataset, ...]
    outputs: tuple[Dataset, ...]
    nominal_us: tuple[int, int] | None = None
    """Start and end of the time that the run is about, such as a materialisation's interval."""

    def document(self) -> Json:
        """The event as the specification words it."""
        job_type = parts.facet(PRODUCER, "jobType", processingType="BATCH", integration="PAGERDRILL",
                               jobType=self.job.partition(".")[0].upper())  # fmt: skip
        run: dict[str, object] = {"runId": self.run_id, "facets": {}}
        if self.nominal_us is not None:
            start, end = (parts.instant_text(us) for us in self.nominal_us)
            nominal = parts.facet(PRODUCER, "nominalTime", nominalStartTime=start, nominalEndTime=end)
            run["facets"] = {"nominalTime": nominal}
        return {
            "eventType": self.event_type,
            "eventTime": parts.instant_text(self.at_us),
            "run": run,
            "job": {"namespace": self.job_namespace, "name": self.job, "facets": {"jobType": job_type}},
            "inputs": [dataset.document(PRODUCER, output=False) for dataset in self.inputs],
            "outputs": [dataset.document(PRODUCER, output=True) for dataset in self.outputs],
            "producer": PRODUCER,
            "schemaURL": parts.RUN_EVENT_SCHEMA,
        }

    def line(self) -> bytes:
        """The event as one line of JSON, line end included."""
        return orjson.dumps(self.document()) + b"\n"


class Lineage:
    """Makes the events of one project. `redaction` decides which names may leave; by default nothing personal does."""

    def __init__(self, project: str, definitions: DefinitionSet, redaction: Redaction | None = None) -> None:
        self._project = project
        self._definitions = definitions
        self._redaction = redaction or Redaction(definitions)

    def applied(self, now_us: int) -> list[LineageEvent]:
        """Declarations were applied: one run per view, on-demand view and service, each a START and a COMPLETE."""
        found: list[LineageEvent] = []
        for view in self._definitions.views.values():
            sources = [self._source(source, view) for source in _sources(view.source)]
            found += self._run(f"apply.{view.name}", now_us, sources, [self.view(view)])
        for computed in self._definitions.on_demand.values():
            read = [self.view(part.view) for part in computed.projections]
            asked = [self._request(s) for s in computed.sources if isinstance(s, RequestSource)]
            found += self._run(f"apply.{computed.name}", now_us, [*read, *asked], [self.view(computed)])
        for service in self._definitions.services.values():
            read = [self.view(_declared(part)) for part in service.features]
            found += self._run(f"apply.{service.name}", now_us, read, [self.service(service)])
        return found

    def materialized(self, view: FeatureView, start_us: int, end_us: int, now_us: int, *, rows: int | None = None,
                     event_type: EventType = "COMPLETE", began_us: int | None = None) -> LineageEvent:  # fmt: skip
        """Rows of [start_us, end_us] went online. `began_us`: the instant of the run's START, which names the run."""
        sources = tuple(self._source(source, view) for source in _sources(view.source))
        online = self.view(view, place=f"online.{view.name}", rows=rows)
        run = self._run_id(f"materialize.{view.name}", began_us if began_us is not None else now_us,
                           f"{start_us}/{end_us}")  # fmt: skip
        return LineageEvent(event_type, now_us, self._project, f"materialize.{view.name}", run, sources, (online,),
                            (start_us, end_us))  # fmt: skip

    def training_set(
        self, name: str, features: Sequence[Part], now_us: int, *, service: str = "", rows: int | None = None
    ) -> list[LineageEvent]:
        """A training set called `name` was retrieved, from a service or from features named one by one."""
        if service and service in self._definitions.services:
            read = [self.service(self._definitions.services[service])]
        else:
            read = [self.view(view) for view in _unique(_declared(part) for part in features)]
        made = Dataset(
            self._project,
            f"training_set.{name}",
            tuple(column for part in features for column in self._part_columns(part)),
            made_from=self._picked(features, f"feature_service.{service}" if service else ""),
            rows=rows,
        )
        return self._run(f"training_set.{name}", now_us, read, [made])

    def model_registered(
        self, model: str, version: int, now_us: int, *, training_set: str = "", service: str = ""
    ) -> list[LineageEvent]:
        """A model version was registered; it was trained on `training_set` and reads `service`."""
        read = [Dataset(self._project, f"training_set.{training_set}")] if training_set else []
        if service in self._definitions.services:
            read.append(self.service(self._definitions.services[service]))
        made = Dataset(self._project, f"model.{model}.{version}", tags=(("version", str(version), ""),))
        return self._run(f"register.{model}", now_us, read, [made], about=str(version))

    def view(self, view: AnyView, *, place: str = "", rows: int | None = None) -> Dataset:
        """A view, or its rows at another `place`, with what its columns are made from."""
        return Dataset(
            self._project,
            place or f"feature_view.{view.name}",
            parts.feature_columns(view, self._redaction),
            view.owner,
            self._redaction.text(view.description),
            parts.view_tags(view, self._redaction),
            self._computed(view) if isinstance(view, OnDemandFeatureView) else self._stored(view),
            rows,
        )

    def service(self, service: FeatureService) -> Dataset:
        """A feature service, each of its columns the same as a view's."""
        tags = sorted((service.tags or {}).items())
        return Dataset(
            self._project,
            f"feature_service.{service.name}",
            tuple(column for part in service.features for column in self._part_columns(part)),
            service.owner,
            self._redaction.text(service.description),
            tuple((self._redaction.text(key), self._redaction.text(value), "") for key, value in tags),
            self._picked(service.features, ""),
        )

    def _run(
        self, job: str, now_us: int, inputs: Iterable[Dataset], outputs: Iterable[Dataset], about: str = ""
    ) -> list[LineageEvent]:
        read = tuple({(dataset.namespace, dataset.name): dataset for dataset in inputs}.values())
        run = self._run_id(job, now_us, about)
        started = LineageEvent("START", now_us, self._project, job, run, read, ())
        return [started, LineageEvent("COMPLETE", now_us, self._project, job, run, read, tuple(outputs))]

    def _run_id(self, job: str, at_us: int, about: str) -> str:
        name = orjson.dumps([self._project, job, at_us, about])
        return parts.uuid5_text(parts.RUN_NAMESPACE, name)

    def _source(self, source: Source, view: FeatureView) -> Dataset:
        namespace, name = parts.source_place(self._project, source)
        columns = tuple((column, kind, "") for column, kind in self._source_columns(view))
        return Dataset(namespace, name, columns, source.owner, self._redaction.text(source.description))

    def _source_columns(self, view: FeatureView) -> list[tuple[str, str]]:
        """What is known of the source's columns: its keys, and its features if they are taken as they come."""
        keys = [(key, str(kind)) for key, kind in zip(view.join_keys, view.key_types, strict=True)]
        if isinstance(view, StreamFeatureView):
            return keys + [(column, "") for column in dict.fromkeys(self._aggregated(view))]
        if view.transformation is not None:
            return keys
        return keys + [(self._redaction.feature(view.name, field.name), str(field.dtype)) for field in view.schema]

    def _aggregated(self, view: StreamFeatureView) -> list[str]:
        return [self._redaction.text(aggregation.column) for aggregation in view.aggregations]

    def _request(self, source: RequestSource) -> Dataset:
        columns = tuple((self._asked(field), str(field.dtype), "") for field in source.schema)
        return Dataset(self._project, f"request.{source.name}", columns)

    def _asked(self, field: Field) -> str:
        return f"pii:{field.pii}" if field.pii else self._redaction.text(field.name)

    def _stored(self, view: FeatureView) -> dict[str, tuple[ColumnInput, ...]]:
        """Which column of the source each feature is; unknown, and left out, where code computes it."""
        batch = _sources(view.source)[-1]
        place = parts.source_place(self._project, batch)
        if isinstance(view, StreamFeatureView):
            return {
                self._redaction.feature(view.name, aggregation.name): (ColumnInput(*place, column, "AGGREGATION"),)
                for aggregation, column in zip(view.aggregations, self._aggregated(view), strict=True)
            }
        if view.transformation is not None:
            return {}
        names = [self._redaction.feature(view.name, name) for name in view.feature_names]
        return {name: (ColumnInput(*place, name, "IDENTITY"),) for name in names}

    def _computed(self, view: OnDemandFeatureView) -> dict[str, tuple[ColumnInput, ...]]:
        """Every output depends on every input: what a function leaves unread is not known."""
        read = [
            ColumnInput(self._project, f"feature_view.{part.view.name}", self._redaction.feature(part.view.name, name),
                        "TRANSFORMATION")
            for part in view.projections
            for name in part.features
        ]  # fmt: skip
        asked = [
            ColumnInput(self._project, f"request.{source.name}", self._asked(field), "TRANSFORMATION")
            for source in view.sources
            if isinstance(source, RequestSource)
            for field in source.schema
        ]
        return {self._redaction.feature(view.name, name): (*read, *asked) for name in view.feature_names}

    def _part_columns(self, part: Part) -> list[tuple[str, str, str]]:
        view = _declared(part)
        columns = parts.feature_columns(view, self._redaction)
        named = dict(zip(view.feature_names, columns, strict=True))
        return [(f"{part.name}:{named[name][0]}", *named[name][1:]) for name in _features(part)]

    def _picked(self, features: Sequence[Part], service: str) -> dict[str, tuple[ColumnInput, ...]]:
        """Each column is one of a view, or of `service` under the same name."""
        found: dict[str, tuple[ColumnInput, ...]] = {}
        for part in features:
            for name in _features(part):
                public = self._redaction.feature(_declared(part).name, name)
                read = (
                    (service, f"{part.name}:{public}") if service else (f"feature_view.{_declared(part).name}", public)
                )
                found[f"{part.name}:{public}"] = (ColumnInput(self._project, *read, "IDENTITY"),)
        return found


def _declared(part: Part) -> AnyView:
    return part if isinstance(part, OnDemandFeatureView) else part.view


def _features(part: Part) -> tuple[str, ...]:
    return part.features if isinstance(part, FeatureViewProjection) else part.feature_names


def _sources(source: Source) -> tuple[Source, ...]:
    """The source and, for a stream, the history beside it."""
    batch = source.batch_source if isinstance(source, PushSource | KafkaSource) else None
    return (source, batch) if batch else (source,)


def _unique(views: Iterable[AnyView]) -> list[AnyView]:
    return list({view.name: view for view in views}.values())
