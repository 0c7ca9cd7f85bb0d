"""Feast, in an environment of its own: its client and its server as processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
PYTHON = ROOT / ".make" / "peers" / "bin" / "python"
REASON = "feast is not installed: make peers"
START_MAX_S = 600.0
_ENVIRONMENT = {**os.environ, "PYTHONWARNINGS": "ignore", "IS_TEST": "True", "PYTHONPATH": ""}

Columns = Mapping[str, Sequence[Any]]


def feast_is_here() -> bool:
    """Whether the environment of the peers holds feast."""
    return PYTHON.exists() and any(PYTHON.parents[1].glob("lib/python3*/site-packages/feast"))


class FeastError(Exception):
    """What feast's client raised. `name` is the class."""

    def __init__(self, name: str, module: str, message: str) -> None:
        super().__init__(f"{module}.{name}: {message}")
        self.name = name
        self.message = message


@dataclass(frozen=True)
class Read:
    """An answer as feast's client hands it to its user."""

    values: dict[str, list[Any]]
    statuses: dict[str, list[int]]


class FeastClient:
    """Feast's client, answering one command at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, features: Sequence[str], entities: Any, *, service: str = "", full: bool = False) -> Read:
        """`get_online_features`."""
        return Read(**self._ask("read", features=list(features), entities=entities, service=service, full=full))

    def read_rows(self, view: str, keys: Sequence[Mapping[str, Any]], features: Sequence[str]) -> list[Any]:
        """`online_read`."""
        rows: list[Any] = self._ask("read_rows", view=view, keys=list(keys), features=list(features))
        return rows

    def write(self, view: str, columns: Columns) -> None:
        """`write_to_online_store`."""
        self._ask("write", view=view, columns=columns)

    def push(self, source: str, columns: Columns) -> None:
        """`push`."""
        self._ask("push", source=source, columns=columns)

    def _ask(self, name: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise FeastError(answer["error"], answer["module"], answer["message"])
        return answer["answer"]


@contextmanager
def feast_client(url: str, folder: Path) -> Iterator[FeastClient]:
    """Feast's client of a remote online store at `url`."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(PYTHON), str(FOLDER / "feast_client_process.py"), url, str(folder)]
    log = folder / "client.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=_ENVIRONMENT
        ) as process,
    ):
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            assert ready == '"ready"\n', log.read_text()[-2000:]
            yield FeastClient(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            _end(process)


@contextmanager
def feast_serve(folder: Path, rows: Mapping[str, Columns]) -> Iterator[str]:
    """The address of a real `feast serve` that holds `rows` by view."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    script = str(FOLDER / "feast_serve_process.py")
    command = [str(PYTHON), script, str(folder), "{port}", str(folder / "rows.json")]
    with serving_process(command, folder / "serve.log") as url:
        yield url


@contextmanager
def serving_process(command: Sequence[str], log: Path) -> Iterator[str]:
    """The address of a server that `command` starts; `{port}` in it becomes a free one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = [part.replace("{port}", str(port)) for part in command]
    with log.open("w") as output:
        process = subprocess.Popen(given, stdout=output, stderr=output, env=_ENVIRONMENT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process, log)
        yield url
    finally:
        _end(process)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_MAX_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", trust_env=False, timeout=5.0).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[Any]) -> None:
    """End one process that we started."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
