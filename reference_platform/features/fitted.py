"""Transforms that learn from training rows and then belong to one model version: scales, bins, vocabularies, fills.

A declaration is `fit` to columns; what it learned is applied alike in training and serving. The fingerprint of a
fitted transform covers its code and all that it learned. A model version carries it as the tag `TRANSFORM_TAG`, and
`check_fingerprint` refuses to serve the version behind any other. Byte code differs between Python releases, so a
version fitted under one is refused under another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError, ContentError, nearest
from reference_platform.features.columns import Column
from reference_platform.features.fingerprint import code_sha256
from reference_platform.features.windows.exact_sums import means, sums_of, sums_of_squares, variances
from reference_platform.features.windows.stored import named, packed_objects, part, unpacked_objects

TRANSFORM_TAG = "transform_sha256"
"""The tag of a model version that holds the fingerprint of its transforms."""

Columns = Mapping[str, Column]
State = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]


class Fitted(Protocol):
    """A transform with what it learned."""

    def apply(self, columns: Columns) -> dict[str, Column]:
        """All of `columns`, with its own in place of what it read. Raises CommandError when one is missing."""

    def state(self) -> dict[str, NDArray[Any]]:
        """What it is and what it learned: arrays of numbers, and `spec`, JSON in UTF-8."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over its code and its state."""


class Transform(Protocol):
    """A transform before it has seen any rows."""

    def fit(self, columns: Columns) -> Fitted:
        """Learn from training rows, whatever their order. Raises CommandError when a column is missing."""


@dataclass(frozen=True, kw_only=True)
class StandardScaler:
    """Float columns with mean 0 and variance 1. Nulls and what is not finite teach nothing and stay what they are."""

    columns: tuple[str, ...]

    def fit(self, columns: Columns) -> FittedScaler:
        """Means and population deviations; a column without spread keeps scale 1."""
        mean, scale = np.zeros(len(self.columns)), np.ones(len(self.columns))
        for place, name in enumerate(self.columns):
            values = _taught(columns, name)
            if len(values):
                start, count = np.zeros(1, dtype=np.int64), np.array([len(values)])
                sums, squares = sums_of(values).reduce(start), sums_of_squares(values).reduce(start)
                mean[place] = means(sums, count)[0]
                deviation = float(np.sqrt(variances(sums, squares, count)[0]))
                scale[place] = deviation if 0.0 < deviation < np.inf else 1.0
        return FittedScaler(tuple(self.columns), mean, scale)


@dataclass(frozen=True, kw_only=True)
class QuantileBinner:
    """Whole numbers 0 .. bins-1 by rank among the training values; null and NaN give null."""

    columns: tuple[str, ...]
    bins: int = 10

    def __post_init__(self) -> None:
        if self.bins < 2:
            raise ContentError(f"{self.bins} bins tell nothing apart", fix="bins=10")

    def fit(self, columns: Columns) -> FittedBinner:
        """Inner edges at equal shares of the rows; equal edges are joined, so that there may be fewer bins."""
        shares = np.arange(1, self.bins) / self.bins
        edges = []
        for name in self.columns:
            values = _taught(columns, name)
            edges.append(np.unique(np.quantile(values, shares) + 0.0) if len(values) else np.empty(0))
        return FittedBinner(tuple(self.columns), tuple(edges))


@dataclass(frozen=True, kw_only=True)
class Imputer:
    """Float columns without nulls and NaN. `indicator` adds a column `NAME_missing` of 0 and 1."""

    columns: tuple[str, ...]
    strategy: Literal["mean", "median", "constant"] = "mean"
    fill: float = 0.0
    """The constant, and what a column without any training value gets."""
    indicator: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in ("mean", "median", "constant"):
            raise ContentError(f'"{self.strategy}" is no way to fill', fix="mean, median or constant")

    def fit(self, columns: Columns) -> FittedImputer:
        """What to put in place of missing values."""
        fills = np.full(len(self.columns), float(self.fill))
        for place, name in enumerate(self.columns):
            values = _taught(columns, name)
            if len(values) and self.strategy == "median":
                fills[place] = np.median(values)
            elif len(values) and self.strategy == "mean":
                start, count = np.zeros(1, dtype=np.int64), np.array([len(values)])
                fills[place] = means(sums_of(values).reduce(start), count)[0]
        return FittedImputer(tuple(self.columns), fills, self.indicator)


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Words or whole numbers as their rank 1, 2, ... in the training rows, 0 for the unknown; null stays null.

    `one_hot`: instead, columns `NAME_0` (unknown), `NAME_1`, ... of 0 and 1; a null has 0 in all of them.
    """

    column: str
    size_max: int = 1000
    one_hot: bool = False

    def fit(self, columns: Columns) -> FittedVocabulary:
        """The most frequent words, equal counts in the order of the words."""
        column = _read(columns, self.column)
        values = column.values[column.mask()]
        types = set(map(type, values.tolist()))
        if len(types) > 1 or not types <= {str, int}:
            raise CommandError(f'column "{self.column}" holds no words', fix="give text or whole numbers")
        words, counts = np.unique(values, return_counts=True)
        words = words[np.argsort(-counts, kind="stable")][: self.size_max]
        return FittedVocabulary(self.column, words.astype(object) if words.dtype.kind == "U" else words, self.one_hot)


@dataclass(frozen=True, eq=False)
class FittedScaler:
    """(x - mean) / scale, per column: float64[columns]."""

    columns: tuple[str, ...]
    mean: Floats
    scale: Floats

    def apply(self, columns: Columns) -> dict[str, Column]:
        """The scaled columns, as floats."""
        found = dict(columns)
        for place, name in enumerate(self.columns):
            column = _read(columns, name)
            with np.errstate(all="ignore"):
                found[name] = Column((_numbers(column, name) - self.mean[place]) / self.scale[place], column.valid)
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """Means and scales."""
        return {"spec": _spec("scaler", columns=self.columns), "mean": self.mean, "scale": self.scale}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over its code and its state."""
        return _sha256(FittedScaler.apply, self.state())


@dataclass(frozen=True, eq=False)
class FittedBinner:
    """The number of inner edges that are at most x, per column."""

    columns: tuple[str, ...]
    edges: tuple[Floats, ...]

    def apply(self, columns: Columns) -> dict[str, Column]:
        """The numbers of the bins."""
        found = dict(columns)
        for edges, name in zip(self.edges, self.columns, strict=True):
            column = _read(columns, name)
            values = _numbers(column, name)
            valid = column.mask() & ~np.isnan(values)
            found[name] = Column(np.searchsorted(edges, values, side="right"), None if valid.all() else valid)
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """The edges of each column."""
        edges = {f"edges{place}": array for place, array in enumerate(self.edges)}
        return {"spec": _spec("binner", columns=self.columns), **edges}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over its code and its state."""
        return _sha256(FittedBinner.apply, self.state())


@dataclass(frozen=True, eq=False)
class FittedImputer:
    """One fill per column: float64[columns]."""

    columns: tuple[str, ...]
    fill: Floats
    indicator: bool

    def apply(self, columns: Columns) -> dict[str, Column]:
        """The filled columns, as floats, and their indicators."""
        found = dict(columns)
        for place, name in enumerate(self.columns):
            column = _read(columns, name)
            values = _numbers(column, name)
            missing = ~column.mask() | np.isnan(values)
            found[name] = Column(np.where(missing, self.fill[place], values))
            if self.indicator:
                found[f"{name}_missing"] = Column(missing.astype(np.int64))
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """The fills."""
        return {"spec": _spec("imputer", columns=self.columns, indicator=self.indicator), "fill": self.fill}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over its code and its state."""
        return _sha256(FittedImputer.apply, self.state())


@dataclass(frozen=True, eq=False)
class FittedVocabulary:
    """`words`: object[n] of texts or int64[n], by rank."""

    column: str
    words: NDArray[Any]
    one_hot: bool
    _ranks: dict[Any, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ranks", {word: rank for rank, word in enumerate(self.words.tolist(), start=1)})

    def apply(self, columns: Columns) -> dict[str, Column]:
        """Ranks, or one column per rank."""
        found = dict(columns)
        column = _read(columns, self.column)
        plain = column.values.tolist()
        rank = np.fromiter((self._ranks.get(one, 0) for one in plain), dtype=np.int64, count=len(plain))
        if not self.one_hot:
            found[self.column] = Column(np.where(column.mask(), rank, 0), column.valid)
            return found
        del found[self.column]
        for place in range(len(self.words) + 1):
            found[f"{self.column}_{place}"] = Column((column.mask() & (rank == place)).astype(np.int64))
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """The words by rank."""
        spec = _spec("vocabulary", columns=[self.column], one_hot=self.one_hot)
        return {"spec": spec, **packed_objects("words", self.words)}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over its code and its state."""
        return _sha256(FittedVocabulary.apply, self.state())


@dataclass(frozen=True, eq=False)
class FittedPipeline:
    """Fitted transforms, one after the other."""

    steps: tuple[Fitted, ...]

    def apply(self, columns: Columns) -> dict[str, Column]:
        """What the last step makes of what the others made."""
        found = dict(columns)
        for step in self.steps:
            found = step.apply(found)
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """The states of its steps, `0.mean` being of the first."""
        found: dict[str, NDArray[Any]] = {"spec": _spec("pipeline", steps=len(self.steps))}
        for place, step in enumerate(self.steps):
            found |= named(f"{place}.", step.state())
        return found

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the fingerprints of its steps, in order."""
        prints = "\n".join(step.fingerprint for step in self.steps)
        return hashlib.sha256(f"pipeline\n{prints}".encode()).hexdigest()


@dataclass(frozen=True)
class Pipeline:
    """Transforms, one after the other; each learns from what those before it make of the training rows."""

    steps: tuple[Transform, ...]

    def fit(self, columns: Columns) -> FittedPipeline:
        """Fit every step."""
        fitted: list[Fitted] = []
        found = dict(columns)
        for step in self.steps:
            fitted.append(step.fit(found))
            found = fitted[-1].apply(found)
        return FittedPipeline(tuple(fitted))


def restored(state: State) -> Fitted:
    """The transform whose `state` this is. Raises CommandError when it is damaged or of no known kind."""
    try:
        spec = json.loads(state["spec"].tobytes().decode())
        kind, names = spec["kind"], tuple(str(name) for name in spec.get("columns", ()))
        if kind == "scaler":
            return FittedScaler(names, state["mean"], state["scale"])
        if kind == "binner":
            return FittedBinner(names, tuple(state[f"edges{place}"] for place in range(len(names))))
        if kind == "imputer":
            return FittedImputer(names, state["fill"], bool(spec["indicator"]))
        if kind == "vocabulary":
            return FittedVocabulary(names[0], unpacked_objects("words", state, text=True), bool(spec["one_hot"]))
        if kind == "pipeline":
            return FittedPipeline(tuple(restored(part(f"{place}.", state)) for place in range(int(spec["steps"]))))
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise CommandError("the state of the transforms is damaged", fix="fetch the model version again") from error
    raise CommandError(f'"{str(kind)[:40]}" is no known transform', fix="serve with the code that fitted it")


class Fingerprinted(Protocol):
    """Anything fitted: a pipeline, or a model with its own normalisation."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over its code and what it learned."""


def check_fingerprint(expected: str, pipeline: Fingerprinted) -> None:
    """Pass if `pipeline` is what the model version was trained with. Raises CommandError otherwise.

    `expected`: the version's tag `TRANSFORM_TAG`.
    """
    found = pipeline.fingerprint
    if found != expected:
        raise CommandError(
            "the fitted transforms are not those that the model version was trained with",
            why=f"its tag {TRANSFORM_TAG} is {expected[:12] or 'missing'}, theirs is {found[:12]}",
            fix="serve the transforms registered with this version, or retrain",
        )


def _read(columns: Columns, name: str) -> Column:
    if name not in columns:
        raise CommandError(f'no column "{name}" to transform', fix=nearest(name, columns))
    return columns[name]


def _numbers(column: Column, name: str) -> Floats:
    if column.values.dtype.kind not in "iufb":
        raise CommandError(f'column "{name}" holds no numbers', fix="give a vocabulary, or a column of numbers")
    return column.values.astype(np.float64)


def _taught(columns: Columns, name: str) -> Floats:
    """Finite values of a column."""
    column = _read(columns, name)
    values = _numbers(column, name)[column.mask()]
    return values[np.isfinite(values)]


def _spec(kind: str, **settings: object) -> NDArray[Any]:
    text = json.dumps({"kind": kind, **settings}, sort_keys=True)
    return np.frombuffer(text.encode(), dtype=np.uint8).copy()


def _sha256(apply: Callable[..., Any], state: State) -> str:
    digest = hashlib.sha256()
    for function in (apply, _read, _numbers):
        digest.update(code_sha256(function).encode())
    for name in sorted(state):
        array = np.ascontiguousarray(state[name])
        digest.update(f"{name}:{array.dtype.str}:{array.shape}:".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
