"""A running thing as it is at one instant: frozen in milliseconds, thawed as often as wanted, equal to the bit.

What hangs together is written down in one pass: objects as bytes, arrays beside them. An array that nobody may write to
is shared by all who thaw; every other one is copied, and two arrays on the same memory are so again afterwards. What
stays the same for as long as the program runs is named by the caller and not copied at all.
"""

from __future__ import annotations

import copyreg
import dataclasses
import gc
import io
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType, MethodType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Reduced = tuple[Callable[..., object], tuple[object, ...]]

COMPARED_BYTES_MIN = 1_024
"""From this size on, arrays of one dimension are looked at for equal ones: the times of many series are."""
OURS = ("reference_platform", "simulator")
"""Packages whose classes may stand in what is thawed."""
_OWN_WAYS = {"__reduce__", "__reduce_ex__", "__setstate__", "__post_init__", "__dict__"}
FOREIGN = frozenset(
    {
        ("_thread", "allocate_lock"),
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("collections", "Counter"),
        ("collections", "defaultdict"),
        ("collections", "deque"),
        ("datetime", "timedelta"),
        ("functools", "partial"),
        ("numpy", "dtype"),
        ("numpy", "recarray"),
        ("numpy", "record"),
        ("numpy._core.multiarray", "scalar"),
    }
)
"""Names of other packages that may."""


class UnknownNameError(ValueError):
    """Something frozen names what a simulation never holds."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `thaw` makes the thing from. `arrays` belong to it: nobody else writes to them."""

    graph: bytes
    arrays: tuple[Array, ...]
    fixed: tuple[bool, ...]
    """Whether an array is shared with everybody instead of copied."""

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps in memory."""
        return len(self.graph) + sum({id(array): array.nbytes for array in self.arrays}.values())


def freeze(thing: object, shared: Mapping[str, object]) -> Frozen:
    """`thing` as it is now. `shared`: by name, what is not to be copied.

    Raises TypeError or pickle.PicklingError for what cannot be frozen, such as a function made inside another.
    """
    with _uncollected():
        return Frozen(*_written(thing, shared))


def _written(thing: object, shared: Mapping[str, object]) -> tuple[bytes, tuple[Array, ...], tuple[bool, ...]]:
    file = io.BytesIO()
    pickler = _Pickler(file, shared)
    pickler.dump(thing)
    return file.getvalue(), *_kept(pickler.arrays)


def thaw(frozen: Frozen, shared: Mapping[str, object]) -> Any:
    """The thing once more. Raises UnknownNameError when it is not made of what a simulation is made of."""
    with _uncollected():
        return _Unpickler(frozen, shared).load()


def load_named(file: io.BytesIO) -> Any:
    """What was pickled there, if it is made of what a simulation is made of. Raises UnknownNameError."""
    return _Named(file).load()


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles while tens of thousands of objects come into being that are all needed."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _kept(arrays: Sequence[Array]) -> tuple[tuple[Array, ...], tuple[bool, ...]]:
    """Copies of those that may change, one for all that are equal, and which are fixed."""
    fixed = tuple(map(_is_fixed, arrays))
    known: dict[object, Array] = {}
    kept = []
    for array, stays in zip(arrays, fixed, strict=True):
        own = array if stays else array.copy(order="K")
        if own.dtype.kind == "f" and own.nbytes >= COMPARED_BYTES_MIN and own.ndim == 1 and own.flags.c_contiguous:
            twin = known.setdefault((len(array), array.dtype, float(array[0]), float(array[-1])), own)
            if np.array_equal(twin.view(np.int8), own.view(np.int8)):
                own = twin
        kept.append(own)
    return tuple(kept), fixed


def _is_fixed(array: Array) -> bool:
    """Whether nobody can write to the memory of an array."""
    memory: object = array
    while isinstance(memory, np.ndarray):
        if memory.flags.writeable:
            return False
        memory = memory.base
    return memory is None or isinstance(memory, bytes)


class _Reducers(dict[type, Callable[..., Any]]):
    """Ways to write things down, by type. Plain records, of which there are thousands, are what their fields are."""

    def __missing__(self, kind: type) -> Callable[..., Any]:
        if not _is_plain_record(kind):
            raise KeyError(kind)
        fields = dataclasses.fields(kind)
        values = attrgetter(*(field.name for field in fields))
        self[kind] = lambda thing: (kind, values(thing))
        return self[kind]


def _is_plain_record(kind: Any) -> bool:
    """Whether a type is a frozen dataclass that its fields make, all of them and nothing else."""
    if not dataclasses.is_dataclass(kind) or not cast("Any", kind).__dataclass_params__.frozen:
        return False
    own = {
        name
        for base in cast("type", kind).__mro__[:-1]
        for name, value in vars(base).items()
        if getattr(value, "__module__", "") != "dataclasses"
    }
    fields = dataclasses.fields(kind)
    return not own & _OWN_WAYS and len(fields) > 1 and all(field.init and not field.kw_only for field in fields)


class _Pickler(pickle.Pickler):
    """Puts arrays aside and names what is shared."""

    def __init__(self, file: io.BytesIO, shared: Mapping[str, object]) -> None:
        super().__init__(file, protocol=5)
        self.arrays: list[Array] = []
        self._names = {id(thing): name for name, thing in shared.items()}
        self.dispatch_table = _Reducers(
            {
                **copyreg.dispatch_table,
                **dict.fromkeys({type(thing) for thing in shared.values()}, self._shared),
                np.ndarray: self._array,
                np.recarray: self._array,
                np.random.Generator: lambda generator: (generator_at, (generator.bit_generator.state,)),
                MethodType: lambda method: (method_of, (method.__self__, method.__name__)),
                MappingProxyType: lambda proxy: (proxy_of, (dict(proxy),)),
                type(threading.Lock()): lambda lock: (threading.Lock, ()),
            }
        )

    def _shared(self, thing: object) -> Any:
        name = self._names.get(id(thing))
        return thing.__reduce_ex__(5) if name is None else (shared_at, (name,))

    def _array(self, array: Array) -> Reduced:
        if array.dtype.hasobject:
            return array.__reduce__()  # type: ignore[return-value]
        base = array.base
        if isinstance(base, np.ndarray) and not _is_fixed(array):
            offset = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
            return view_of, (base, type(array) is np.recarray, array.dtype, array.shape, array.strides, offset)
        self.arrays.append(array)
        return array_at, (len(self.arrays) - 1,)


class _Named(pickle.Unpickler):
    """Makes nothing but what a simulation is made of."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in FOREIGN:
            return super().find_class(module, name)
        if module.partition(".")[0] in OURS:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise UnknownNameError(f"{module}.{name} is no part of a simulation")


class _Unpickler(_Named):
    """Fills in what was put aside."""

    def __init__(self, frozen: Frozen, shared: Mapping[str, object]) -> None:
        super().__init__(io.BytesIO(frozen.graph))
        self._frozen = frozen
        self._here = {**_HERE, "array_at": self._array_at, "shared_at": shared.__getitem__}

    def find_class(self, module: str, name: str) -> Any:
        return self._here[name] if module == __name__ else super().find_class(module, name)

    def _array_at(self, index: int) -> Array:
        array = self._frozen.arrays[index]
        return array if self._frozen.fixed[index] else array.copy(order="K")


def array_at(index: int) -> Array:
    """Stands for the array of that number, which only `thaw` has at hand."""
    raise UnknownNameError(f"array {index} is not here: use thaw")


def shared_at(name: str) -> object:
    """Stands for what is shared under that name, which only `thaw` has at hand."""
    raise UnknownNameError(f"{name} is not here: use thaw")


def view_of(base: Array, records: bool, dtype: Any, shape: Any, strides: Any, offset: int) -> Array:
    """An array on the memory of another one."""
    memory = base if base.flags.c_contiguous else base.T
    view: Array = np.ndarray(shape, dtype, memory, offset, strides)
    return view.view(np.recarray) if records else view


def generator_at(state: Any) -> np.random.Generator:
    """The generator that goes on from that state."""
    bits = np.random.PCG64()
    bits.state = state
    return np.random.Generator(bits)


def proxy_of(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """A mapping that cannot be changed."""
    return MappingProxyType(mapping)


def method_of(thing: object, name: str) -> Any:
    """A method of something of ours."""
    if type(thing).__module__.partition(".")[0] not in OURS:
        raise UnknownNameError(f"a method of {type(thing).__name__} is no part of a simulation")
    return getattr(thing, name)


_HERE: dict[str, Any] = {"view_of": view_of, "generator_at": generator_at, "proxy_of": proxy_of, "method_of": method_of}
