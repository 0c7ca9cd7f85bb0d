"""`feast serve` over a SQLite online store with some rows in it.

python feast_serve_process.py FOLDER PORT ROWS.json, in the environment of the peers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from feast.cli.cli import cli
from feast_fleet import PROJECT, frame, opened


def main() -> None:
    """Apply, write, serve until ended."""
    folder, port, rows = Path(sys.argv[1]), sys.argv[2], json.loads(Path(sys.argv[3]).read_text())
    online_store = {"type": "sqlite", "path": str(folder / "online.db")}
    store = opened(folder, online_store)
    for view, columns in rows.items():
        store.write_to_online_store(view, frame(columns))
    settings = {
        "project": PROJECT,
        "provider": "local",
        "registry": str(folder / "registry.db"),
        "online_store": online_store,
        "offline_store": {"type": "dask"},
        "entity_key_serialization_version": 3,
    }
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(settings))
    cli(["-c", str(folder), "serve", "-p", port, "--no-access-log", "--max-requests", "0", "-r", "600"])


if __name__ == "__main__":
    main()
