"""The feature store a team uses: declarations in, training sets and online values out.

store = FeatureStore("my-features", clock=now_us)   # an empty folder is a store; `live.opening` has the wall clock
store.apply([driver, driver_stats])
store.get_historical_features(labels, ["driver_stats:trips"]).to_df()
store.materialize_incremental(datetime.now(UTC))
store.get_online_features(["driver_stats:trips"], [{"driver_id": 1001}]).to_dict()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from reference_platform.features.code_references import CodeFolder
from reference_platform.features.columns import arrow_table
from reference_platform.features.config import EmbeddedConfig, StoreConfig, load_config
from reference_platform.features.declarations import Declarations, stale_views
from reference_platform.features.definition_set import (
    DefinitionSet,
    FeatureObject,
    FeatureRequest,
    UnknownFeatureError,
    asked_by_name,
    objects_of,
)
from reference_platform.features.definitions import Entity, FeatureView
from reference_platform.features.governance.access import Grants
from reference_platform.features.governance.audit import DENIED, Read
from reference_platform.features.governance.catalogue import Catalogue
from reference_platform.features.governance.graph import LineageGraph
from reference_platform.features.governance.lineage import Lineage
from reference_platform.features.governance.plan import FeaturePlan
from reference_platform.features.history import ViewHistory, batch_file
from reference_platform.features.join.engine import Engine
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.kept import drop_rows, remove_kept
from reference_platform.features.ledgers import Ledgers
from reference_platform.features.materialization.materialization import Materialization
from reference_platform.features.materialization.progress import Progress
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.online_store.opening import open_online
from reference_platform.features.online_store.port import DeclaredAnewError, OnlineStore
from reference_platform.features.online_store.response import OnlineResponse
from reference_platform.features.reader import Caller, CompiledRead, EntityRows, Reader, check_code, entity_columns
from reference_platform.features.registry_file import RegistryFile
from reference_platform.features.registry_uses import RegistryUses
from reference_platform.features.repository import read_repository
from reference_platform.features.retrieval import RetrievalJob
from reference_platform.features.services import FeatureService
from reference_platform.features.sorted_copies import SortedCopies
from reference_platform.features.sources import Source
from reference_platform.features.stream_views import StreamFeatureView
from reference_platform.features.times import EARLIEST_US, instant_us
from reference_platform.features.training_sets import Question, leaks, training_set
from reference_platform.features.writes import PushMode, Writer
from reference_platform.registry.port import ModelRegistry

Thing = TypeVar("Thing")
Clock = Callable[[], int]
"""The instant now, in microseconds since 1970, UTC."""


class FeatureStore:
    """One team's store, in one folder. Every process that opens the folder sees what any other applied or wrote."""

    def __init__(
        self,
        repo_path: str | Path = ".",
        *,
        clock: Clock,
        config: StoreConfig | None = None,
        engine: Engine | None = None,
        models: ModelRegistry | None = None,
    ) -> None:
        """`clock`: the wall clock's is `live.opening.open_store`. `engine` carries out joins with history: in this
        process unless another is given. `models`: whose versions read the features; `plan` asks whom an edit would hit.

        Raises ContentError or ConfigError when the folder's configuration or registry cannot be used.
        """
        self.repo_path = Path(repo_path)
        self.config = config or load_config(self.repo_path)
        self.now_us: Clock = clock
        self.engine: Engine = engine or InProcessEngine()
        self.code = CodeFolder(self.repo_path)
        key = self.repo_path / self.config.audit_key if self.config.audit_key else None
        self.ledgers = Ledgers(self.data, key)
        folder = self.repo_path / self.config.model_registry if self.config.model_registry else None
        self.model_uses = RegistryUses(models, folder)
        file = RegistryFile(self.data / "registry.json", self.code)
        self._declared = Declarations(file, self.config.project, self.ledgers, self.model_uses)
        self._grants = Grants.from_yaml(self.repo_path / self.config.grants) if self.config.grants else Grants()
        self._reader = Reader(self._declared.current, self._grants)
        self._writer = Writer(self.data, lambda: self.online)
        self._copies = SortedCopies(self.data / "sorted")
        self._online: OnlineStore | None = None
        self._opening = Lock()

    @property
    def data(self) -> Path:
        """The folder of everything the store keeps."""
        return self.repo_path / "data"

    @property
    def definitions(self) -> DefinitionSet:
        """What is applied now."""
        self._refresh()
        return self._declared.current

    def _refresh(self) -> None:
        if self._declared.refresh():
            self._use()

    def _use(self) -> None:
        self._reader = Reader(self._declared.current, self._grants)
        if self._online is not None:
            self._online.declare(self._declared.current.online_views())

    def plan(self, wanted: FeatureObject | Iterable[FeatureObject] | DefinitionSet) -> FeaturePlan:
        """What applying `wanted` in place of everything would change, whom it would hit, and what would be refused."""
        objects = wanted if isinstance(wanted, DefinitionSet) else DefinitionSet.of(objects_of(wanted))
        self._refresh()
        return self._declared.plan(objects)

    def apply(
        self,
        objects: FeatureObject | Iterable[FeatureObject],
        objects_to_delete: Iterable[FeatureObject] | None = None,
        partial: bool = True,
        *,
        override: str = "",
    ) -> FeaturePlan:
        """Declare `objects`. `partial`: what is not among them stays; otherwise it goes.

        A view with other keys, features or code starts empty online. `override`: the reason for going ahead with edits
        that break a champion or challenger; it is written down.
        Raises ContentError for contradictions, CommandError for such edits without a reason; nothing has changed then.
        """
        wanted = DefinitionSet.of(objects_of(objects))
        gone, now_us = tuple(objects_to_delete or ()), self.now_us()
        done = self._declared.apply(
            wanted, gone, keep_others=partial, override=override, now_us=now_us, prepare=self._drop_stale
        )
        self._use()
        self.online.declare(self._declared.current.online_views())
        return done

    def _drop_stale(self, before: DefinitionSet, after: DefinitionSet) -> None:
        # Before `after` is in force: what dies in between leaves less behind, never what must not be served.
        for name in stale_views(before, after):
            self.online.drop(name)
            self.materialization.forget(name)
            self._writer.forget(before.views[name])

    def read_repository(self) -> DefinitionSet:
        """What the .py and .yaml files of the folder declare. Raises ContentError with file, line and column."""
        ignored = (self.config.grants,) if self.config.grants else ()
        return read_repository(self.repo_path, self.code, ignored=ignored)

    def teardown(self) -> None:
        """Delete everything the store keeps, online values included. Sources and definition files stay."""
        held = self.config.online_store
        database = self.repo_path / held.path if isinstance(held, EmbeddedConfig) else None
        drop_rows(lambda: self.online, self.definitions.views, database)
        self.close()
        remove_kept(self.data, database)
        self._declared.forget()
        self._use()

    def list_entities(self) -> list[Entity]:
        """Every entity."""
        return list(self.definitions.entities.values())

    def list_data_sources(self) -> list[Source]:
        """Every source."""
        return list(self.definitions.sources.values())

    def list_feature_views(self) -> list[FeatureView]:
        """Every batch and stream feature view."""
        return list(self.definitions.views.values())

    def list_stream_feature_views(self) -> list[StreamFeatureView]:
        """Every stream feature view."""
        return [view for view in self.definitions.views.values() if isinstance(view, StreamFeatureView)]

    def list_on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """Every on-demand feature view."""
        return list(self.definitions.on_demand.values())

    def list_feature_services(self) -> list[FeatureService]:
        """Every feature service."""
        return list(self.definitions.services.values())

    def get_entity(self, name: str) -> Entity:
        """The entity called `name`. Raises UnknownFeatureError with the nearest name."""
        return _named("entity", name, self.definitions.entities)

    def get_feature_view(self, name: str) -> FeatureView:
        """The feature view called `name`. Raises UnknownFeatureError with the nearest name."""
        return self.definitions.view(name)

    def get_on_demand_feature_view(self, name: str) -> OnDemandFeatureView:
        """The on-demand view called `name`. Raises UnknownFeatureError with the nearest name."""
        return _named("view", name, self.definitions.on_demand)

    def get_feature_service(self, name: str) -> FeatureService:
        """The feature service called `name`. Raises UnknownFeatureError with the nearest name."""
        return self.definitions.service(name)

    def get_historical_features(
        self,
        entity_df: Any,
        features: FeatureRequest,
        full_feature_names: bool = False,
        *,
        known_at_label: bool = True,
        role: str = "",
        purpose: str = "",
    ) -> RetrievalJob:
        """A training set: every row of `entity_df` with what was known of its entities at its `event_timestamp`.

        `known_at_label` False lets rows count before they were known, as most stores do; the job's `leak_report`
        says what that would change. Raises UnknownFeatureError, ContentError or CommandError.
        """
        labels, now_us = arrow_table(entity_df), self.now_us()
        definitions, caller = self.definitions, Caller(role, purpose)
        scope = self._reader.scope(caller, now_us)
        try:
            parts = scope.parts(features)
        except UnknownFeatureError:
            self._note(caller, now_us, DENIED, labels.num_rows, scope.denied(features))
            raise
        check_code(parts)
        histories = {view.name: self.history(view) for view in definitions.views.values()}
        question = Question(parts, full_feature_names, known_at_label, asked_by_name(features))
        self._note(caller, now_us, self._reader.touched(features, parts), labels.num_rows, scope.denied(features))
        return RetrievalJob(
            partial(training_set, question, labels, histories, self.engine, self._copies),
            partial(leaks, question, labels, histories),
        )

    def history(self, view: FeatureView) -> ViewHistory:
        """Everything known of `view`, as training sets see it."""
        return ViewHistory(view, self.repo_path, self._writer.log(view))

    def compact(self, feature_views: Sequence[str] | None = None) -> dict[str, int]:
        """Make sorted copies of the views' histories, so that training sets come sooner; rows by view."""
        names = [view.name for view in self.list_feature_views()] if feature_views is None else feature_views
        return {name: self._copies.compact(self.history(self.definitions.view(name))).rows for name in names}

    @property
    def online(self) -> OnlineStore:
        """The online store, opened when first needed."""
        if self._online is None:
            with self._opening:
                if self._online is None:
                    opened = open_online(self.config, self.repo_path)
                    opened.declare(self._declared.current.online_views())
                    self._online = opened
        return self._online

    def get_online_features(
        self,
        features: FeatureRequest,
        entity_rows: EntityRows,
        full_feature_names: bool = False,
        *,
        role: str = "",
        purpose: str = "",
    ) -> OnlineResponse:
        """The newest values of every row's entities, each with its status; null where there is none.

        Raises UnknownFeatureError, ContentError or CommandError. A bad key spoils the call, a null key only its row.
        """
        caller, asked = Caller(role, purpose), (features, entity_rows, full_feature_names)
        try:
            compiled, response, now_us = self._read(*asked, caller)
        except DeclaredAnewError:
            compiled, response, now_us = self._read(*asked, caller)
        self._note(caller, now_us, compiled.read, response.rows, compiled.denied)
        if compiled.shape is not None:
            self.ledgers.vectors.append_response(compiled.shape, response, now_us)
        return response

    def _read(
        self, features: FeatureRequest, rows: EntityRows, full_feature_names: bool, caller: Caller
    ) -> tuple[CompiledRead, OnlineResponse, int]:
        self._refresh()
        now_us = self.now_us()
        try:
            compiled = self._reader.compiled(features, full_feature_names, caller, now_us)
        except UnknownFeatureError:
            self._note(caller, now_us, DENIED, 0, self._reader.scope(caller, now_us).denied(features))
            raise
        return compiled, compiled.plan.read(self.online, entity_columns(rows, compiled.unread), now_us), now_us

    def _note(self, caller: Caller, now_us: int, what: Read, rows: int, denied: int) -> None:
        role, purpose = caller.role, caller.purpose
        self.ledgers.audit.append(at_us=now_us, role=role, purpose=purpose, read=what, rows=rows, denied=denied)

    def write_to_online_store(self, feature_view_name: str, df: Any, *, transform_on_write: bool = True) -> int:
        """Write rows online; returns how many were news. Older rows never replace newer ones. Raises CommandError."""
        view, now_us = self.definitions.view(feature_view_name), self.now_us()
        return self._writer.write(view, df, now_us, transform=transform_on_write)

    def push(
        self, push_source_name: str, df: Any, *, to: PushMode = PushMode.ONLINE, transform_on_write: bool = True
    ) -> int:
        """Hand rows, or the events of a stream, to every view of a source; returns how many rows were news online.

        Raises UnknownFeatureError for a source nobody reads, CommandError for rows that do not fit; nothing is then
        written.
        """
        return self._writer.push(
            self.definitions, push_source_name, df, self.now_us(), to=to, transform=transform_on_write
        )

    @property
    def materialization(self) -> Materialization:
        """Copies rows of the sources online; asks for lag and unfinished runs."""
        lateness_us = round(self.config.allowed_lateness * 1e6)
        return Materialization(
            self.online, self.data / "progress", self.repo_path, self.data / "offline", lateness_us=lateness_us
        )

    def materialize(
        self,
        start_date: datetime,
        end_date: datetime,
        feature_views: Sequence[str] | None = None,
        *,
        anew: bool = False,
    ) -> dict[str, Progress]:
        """Write the newest rows of each view whose events lie between two instants, both included.

        `anew`: forget first what is online, as rows corrected in place need it; until the end, values are missing.
        """
        start_us, end_us = instant_us(start_date), instant_us(end_date)
        for view in self.materialized_views(feature_views) if anew and start_us < end_us else ():
            self.materialization.empty(view)
        return {
            view.name: self._noted(view, self.materialization.materialize(view, start_us, end_us))
            for view in self.materialized_views(feature_views)
        }

    def materialize_incremental(
        self, end_date: datetime, feature_views: Sequence[str] | None = None
    ) -> dict[str, Progress]:
        """Write what became known since the last time, late rows included; goes on where a killed run stopped.

        Windows of streams that closed meanwhile are published.
        """
        end_us, now_us = instant_us(end_date), self.now_us()
        for stream in self.list_stream_feature_views():
            if feature_views is None or stream.name in feature_views:
                self._writer.advance(stream, min(end_us, now_us))
        return {
            view.name: self._noted(view, self.materialization.materialize_incremental(view, end_us, now_us))
            for view in self.materialized_views(feature_views)
        }

    def materialized_views(self, names: Sequence[str] | None = None) -> list[FeatureView]:
        """The views with rows to copy, in a source or in pushes; `names` picks some. Raises UnknownFeatureError."""
        if names is not None:
            return [view for view in map(self.definitions.view, names) if not isinstance(view, StreamFeatureView)]
        views = [view for view in self.definitions.online_views() if not isinstance(view, StreamFeatureView)]
        return [view for view in views if batch_file(view) or self._writer.log(view).paths()]

    def _noted(self, view: FeatureView, progress: Progress) -> Progress:
        lineage, rows = Lineage(self.config.project, self._declared.current), progress.counts.written
        start_us, now_us = max(progress.start_us, EARLIEST_US), self.now_us()
        self.ledgers.lineage([lineage.materialized(view, start_us, progress.end_us, now_us, rows=rows)])
        return progress

    def catalogue(self, *, role: str = "", purpose: str = "") -> Catalogue:
        """Everything declared that the caller may see, and which models read it."""
        visible = self._grants.visible(role, purpose, self.now_us())
        return Catalogue.of(self.definitions, self.model_uses(), visible=visible)

    def lineage(self) -> LineageGraph:
        """What comes from what: sources, features, services, model versions."""
        return LineageGraph(self.definitions, self.model_uses())

    def close(self) -> None:
        """Let go of files and connections."""
        self.ledgers.close()
        if self._online is not None:
            self._online.close()
            self._online = None


def _named(kind: str, name: str, known: Mapping[str, Thing]) -> Thing:
    if name not in known:
        raise UnknownFeatureError(kind, name, known)
    return known[name]
