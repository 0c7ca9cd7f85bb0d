"""Feast's own client of a remote online store: one JSON command a line in, one JSON answer a line out.

python feast_client_process.py URL FOLDER, in the environment of the peers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from feast import FeatureStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.type_map import feast_value_type_to_python_type
from feast_fleet import frame, opened


def read(store: FeatureStore, features: Any, entities: Any, service: str = "", full: bool = False) -> dict[str, Any]:
    """`get_online_features`, whose answer is a protobuf message."""
    asked = store.get_feature_service(service) if service else features
    message = store.get_online_features(asked, entities, full_feature_names=full).proto
    names = list(message.metadata.feature_names.val)
    return {
        "values": {
            name: [feast_value_type_to_python_type(value) for value in result.values]
            for name, result in zip(names, message.results)  # noqa: B905  (the peers may run an older Python)
        },
        "statuses": {name: list(result.statuses) for name, result in zip(names, message.results)},  # noqa: B905
    }


def read_rows(store: FeatureStore, view: str, keys: list[dict[str, Any]], features: list[str]) -> list[Any]:
    """The low-level `online_read`: per key its event time and values."""
    messages = [EntityKey(join_keys=list(key), entity_values=[_value(value) for value in key.values()]) for key in keys]
    provider = store._get_provider()
    rows = provider.online_read(store.config, store.get_feature_view(view), messages, features)
    return [
        [
            None if moment is None else moment.isoformat(),
            {name: feast_value_type_to_python_type(value) for name, value in (values or {}).items()},
        ]
        for moment, values in rows
    ]


def _value(value: Any) -> Value:
    return Value(string_val=value) if isinstance(value, str) else Value(int64_val=value)


def write(store: FeatureStore, view: str, columns: dict[str, list[Any]]) -> None:
    """`write_to_online_store`."""
    store.write_to_online_store(view, frame(columns))


def push(store: FeatureStore, source: str, columns: dict[str, list[Any]]) -> None:
    """`push`."""
    store.push(source, frame(columns))


COMMANDS: dict[str, Callable[..., Any]] = {"read": read, "read_rows": read_rows, "write": write, "push": push}


def main() -> None:
    """Answer until the input ends."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    store = opened(folder, {"type": "remote", "path": url})
    answers = sys.stdout
    sys.stdout = sys.stderr
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = {"answer": COMMANDS[name](store, **arguments)}
        except Exception as error:  # noqa: BLE001  (every error is an answer to compare)
            answer = {"error": type(error).__name__, "module": type(error).__module__, "message": str(error)}
        print(json.dumps(answer, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
