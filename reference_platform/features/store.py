"""The feature store a team uses: declarations in, training sets and online values out.

store = FeatureStore("my-features")            # an empty folder is a store
store.apply([driver, driver_stats])
store.get_historical_features(labels, ["driver_stats:trips"]).to_df()
store.materialize_incremental(datetime.now(UTC))
store.get_online_features(["driver_stats:trips"], [{"driver_id": 1001}]).to_dict()
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from reference_platform.features.blocks import rows_of
from reference_platform.features.code_references import CodeFolder
from reference_platform.features.columns import arrow_table
from reference_platform.features.config import EmbeddedConfig, StoreConfig, load_config
from reference_platform.features.definition_set import DefinitionSet, FeatureObject, FeatureRequest, UnknownFeatureError
from reference_platform.features.definitions import Entity, FeatureView
from reference_platform.features.governance.access import Grants
from reference_platform.features.history import ViewHistory, batch_file
from reference_platform.features.join.engine import Engine
from reference_platform.features.join.in_process import InProcessEngine
from reference_platform.features.materialization.materialization import Materialization
from reference_platform.features.materialization.progress import Progress
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.online_store.response import OnlineResponse
from reference_platform.features.push_log import PushLog
from reference_platform.features.reader import Caller, EntityRows, Reader, entity_columns
from reference_platform.features.registry_file import Applied, RegistryFile
from reference_platform.features.repository import read_repository
from reference_platform.features.retrieval import RetrievalJob
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import KafkaSource, PushSource, Source
from reference_platform.features.stream_views import StreamFeatureView
from reference_platform.features.times import instant_us
from reference_platform.features.training_sets import Question, leaks, training_set
from reference_platform.features.transformations import apply_transformation
from reference_platform.live.clock import system_now_us

if TYPE_CHECKING:
    import pyarrow as pa

Thing = TypeVar("Thing")
Clock = Callable[[], int]
"""The instant now, in microseconds since 1970, UTC."""


class PushMode(Enum):
    """Where pushed rows go."""

    ONLINE = "online"
    OFFLINE = "offline"
    ONLINE_AND_OFFLINE = "online_and_offline"


class FeatureStore:
    """One team's store, in one folder. Every process that opens the folder sees what any other applied or wrote."""

    def __init__(
        self,
        repo_path: str | Path = ".",
        *,
        config: StoreConfig | None = None,
        clock: Clock | None = None,
        engine: Engine | None = None,
    ) -> None:
        """`engine` carries out joins with history: in this process unless another is given.

        Raises ContentError or ConfigError when the folder's configuration or registry cannot be used.
        """
        self.repo_path = Path(repo_path)
        self.config = config or load_config(self.repo_path)
        self.now_us: Clock = clock or system_now_us
        self.engine: Engine = engine or InProcessEngine()
        self.code = CodeFolder(self.repo_path)
        self._file = RegistryFile(self.data / "registry.json", self.code)
        self._stamp = self._file.stamp()
        self._applied = self._file.read()
        self._online: OnlineStore | None = None
        self._grants = self._load_grants()
        self._reader = Reader(self._applied.definitions, self._grants)

    @property
    def data(self) -> Path:
        """The folder of everything the store keeps."""
        return self.repo_path / "data"

    # -- declarations --------------------------------------------------------

    @property
    def definitions(self) -> DefinitionSet:
        """What is applied now."""
        self._refresh()
        return self._applied.definitions

    def _refresh(self) -> None:
        stamp = self._file.stamp()
        if stamp != self._stamp:
            self._use(self._file.read())
            self._stamp = stamp

    def _load_grants(self) -> Grants:
        return Grants.from_yaml(self.repo_path / self.config.grants) if self.config.grants else Grants()

    def _use(self, applied: Applied) -> None:
        self._applied = applied
        self._reader = Reader(applied.definitions, self._grants)
        if self._online is not None:
            self._online.declare(_online_views(applied.definitions))

    def apply(
        self,
        objects: FeatureObject | Iterable[FeatureObject],
        objects_to_delete: Iterable[FeatureObject] = (),
        partial: bool = True,
    ) -> None:
        """Declare `objects`. `partial`: what is not among them stays; otherwise it goes.

        Raises ContentError for contradictory declarations; then nothing has changed.
        """
        wanted = DefinitionSet.of(_each(objects))
        with self._file.locked():
            before = self._file.read()
            after = before.definitions.merged(wanted) if partial else wanted
            after = after.without(thing.name for thing in objects_to_delete)
            self._file.write(Applied(before.version + 1, after, self.now_us()))
        # What was handed over keeps its code, also code that the file cannot point at.
        self._use(Applied(before.version + 1, after, self.now_us()))
        self._stamp = self._file.stamp()
        for view in before.definitions.views.keys() - after.views.keys():
            self.online.drop(view)
        self.online.declare(_online_views(after))

    def read_repository(self) -> DefinitionSet:
        """What the .py and .yaml files of the folder declare. Raises ContentError with file, line and column."""
        ignored = (self.config.grants,) if self.config.grants else ()
        return read_repository(self.repo_path, self.code, ignored=ignored)

    def teardown(self) -> None:
        """Delete everything the store keeps, online values included. Sources and definition files stay."""
        for view in self.definitions.views:
            self.online.drop(view)
        self.close()
        shutil.rmtree(self.data, ignore_errors=True)
        self._use(Applied(0, DefinitionSet(), 0))

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

    # -- history -------------------------------------------------------------

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
        labels = arrow_table(entity_df)
        definitions = self.definitions
        parts = self._reader.scope(Caller(role, purpose), self.now_us()).parts(features)
        histories = {view.name: self._history(view) for view in definitions.views.values()}
        question = Question(parts, full_feature_names, known_at_label)
        return RetrievalJob(
            partial(training_set, question, labels, histories, self.engine),
            partial(leaks, question, labels, histories),
        )

    def _history(self, view: FeatureView) -> ViewHistory:
        return ViewHistory(view, self.repo_path, self._log(view))

    def _log(self, view: FeatureView) -> PushLog:
        return PushLog(self.data / "offline", view)

    # -- online --------------------------------------------------------------

    @property
    def online(self) -> OnlineStore:
        """The online store, opened when first needed."""
        if self._online is None:
            held = self.config.online_store
            if isinstance(held, EmbeddedConfig):
                self._online = EmbeddedOnlineStore(self.repo_path / held.path)
            else:
                from reference_platform.features.online_store.redis import RedisOnlineStore

                self._online = RedisOnlineStore(held.url, self.config.project)
            self._online.declare(_online_views(self._applied.definitions))
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

        Raises UnknownFeatureError, ContentError or CommandError; one bad key value spoils the call, a null key only
        its row.
        """
        self._refresh()
        now_us = self.now_us()
        compiled = self._reader.compiled(features, full_feature_names, Caller(role, purpose), now_us)
        return compiled.plan.read(self.online, entity_columns(entity_rows), now_us)

    # -- writing -------------------------------------------------------------

    def write_to_online_store(self, feature_view_name: str, df: Any, *, transform_on_write: bool = True) -> int:
        """Write rows online; returns how many were news. Older rows never replace newer ones. Raises CommandError."""
        view = self.definitions.view(feature_view_name)
        return self.online.write(view, self._rows(view, df, transform_on_write, first_sequence=0))

    def push(
        self, push_source_name: str, df: Any, *, to: PushMode = PushMode.ONLINE, transform_on_write: bool = True
    ) -> int:
        """Hand rows to every view of a push or stream source; returns how many were news online.

        History is kept before the online store is written, so that what is served can always be found again. Raises
        UnknownFeatureError for a source nobody reads, CommandError for rows that do not fit.
        """
        views = [view for view in self.definitions.views.values() if view.source.name == push_source_name]
        source = self.definitions.sources.get(push_source_name)
        if not views or not isinstance(source, PushSource | KafkaSource):
            known = [s.name for s in self.definitions.sources.values() if isinstance(s, PushSource | KafkaSource)]
            raise UnknownFeatureError("push source", push_source_name, known)
        blocks = [(view, self._rows(view, df, transform_on_write, first_sequence=0)) for view in views]
        news = 0
        for view, rows in blocks:
            kept = self._log(view).append(rows) if to is not PushMode.ONLINE else rows
            if to is not PushMode.OFFLINE and view.online:
                news += self.online.write(view, kept)
        return news

    def _rows(self, view: FeatureView, df: Any, transform: bool, *, first_sequence: int) -> Any:
        table: pa.Table = arrow_table(df)
        if transform:
            table = apply_transformation(view, table)
        return rows_of(view, table, arrived_us=self.now_us(), first_sequence=first_sequence)

    # -- materialisation ------------------------------------------------------

    @property
    def materialization(self) -> Materialization:
        """Copies rows of the sources online; asks for lag and unfinished runs."""
        lateness_us = round(self.config.allowed_lateness * 1e6)
        return Materialization(
            self.online, self.data / "progress", self.repo_path, self.data / "offline", lateness_us=lateness_us
        )

    def materialize(
        self, start_date: datetime, end_date: datetime, feature_views: Sequence[str] | None = None
    ) -> dict[str, Progress]:
        """Write the newest rows of each view whose events lie between two instants, both included."""
        start_us, end_us = instant_us(start_date), instant_us(end_date)
        views = self._materialized(feature_views)
        return {view.name: self.materialization.materialize(view, start_us, end_us) for view in views}

    def materialize_incremental(
        self, end_date: datetime, feature_views: Sequence[str] | None = None
    ) -> dict[str, Progress]:
        """Write what became known since the last time, late rows included; goes on where a killed run stopped."""
        end_us, now_us = instant_us(end_date), self.now_us()
        views = self._materialized(feature_views)
        return {view.name: self.materialization.materialize_incremental(view, end_us, now_us) for view in views}

    def _materialized(self, names: Sequence[str] | None) -> list[FeatureView]:
        if names is not None:
            return [self.definitions.view(name) for name in names]
        return [view for view in _online_views(self.definitions) if batch_file(view) is not None]

    def close(self) -> None:
        """Let go of files and connections."""
        if self._online is not None:
            self._online.close()
            self._online = None


def _each(objects: FeatureObject | Iterable[FeatureObject]) -> Iterable[FeatureObject]:
    return objects if isinstance(objects, Iterable) else [objects]


def _online_views(definitions: DefinitionSet) -> list[FeatureView]:
    return [view for view in definitions.views.values() if view.online]


def _named(kind: str, name: str, known: Mapping[str, Thing]) -> Thing:
    if name not in known:
        raise UnknownFeatureError(kind, name, known)
    return known[name]
