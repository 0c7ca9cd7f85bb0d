"""Requests over one kept connection, timed from outside the server's process."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import orjson

SPIN_S = 0.001
"""The end of a wait is spent awake: sleeping wakes up late."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in milliseconds."""

    p50_ms: float
    p99_ms: float
    p999_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Of these durations."""
        return cls(*(np.percentile(np.array(seconds), [50, 99, 99.9]) * 1e3).tolist())


def requests_for(features: Sequence[str], entities: int, *, keys: int, seed: int = 1) -> list[bytes]:
    """Different requests for the same features, as they go over the wire."""
    rng = np.random.default_rng(seed)
    return [_request(features, rng.integers(0, keys, entities).tolist()) for _ in range(64)]


def _request(features: Sequence[str], keys: list[int]) -> bytes:
    body = orjson.dumps({"features": features, "entities": {"driver_id": keys}})
    head = "POST /get-online-features HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Line:
    """One connection. A reply other than 200 ends the bench."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def ask(self, request: bytes) -> int:
        """Send one request; the size of its reply."""
        self._socket.sendall(request)
        got = self._socket.recv(1 << 18)
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._socket.recv(1 << 18)
        head = got[:end].lower()
        if b" 200 " not in head[:16]:
            raise SystemExit(f"the server replied {got[:300]!r}")
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        left = length - (len(got) - end - 4)
        while left > 0:
            left -= len(self._socket.recv(1 << 18))
        return length

    def one_after_the_other(self, requests: Sequence[bytes], count: int) -> list[float]:
        """Seconds that each of `count` requests took; the next goes out when the last is answered."""
        seconds = []
        for request in itertools.islice(itertools.cycle(requests), count):
            begin = time.perf_counter()
            self.ask(request)
            seconds.append(time.perf_counter() - begin)
        return seconds

    def on_schedule(self, requests: Sequence[bytes], count: int, rate_per_s: float) -> list[float]:
        """Seconds from when each request was due to its reply: a server that stalls delays all that follow."""
        seconds = []
        begin = time.perf_counter() + 0.01
        for number, request in enumerate(itertools.islice(itertools.cycle(requests), count)):
            due = begin + number / rate_per_s
            if (wait := due - time.perf_counter() - SPIN_S) > 0:
                time.sleep(wait)
            while time.perf_counter() < due:
                pass
            self.ask(request)
            seconds.append(time.perf_counter() - due)
        return seconds


def resident_mib(pid: int) -> float:
    """Memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} is gone")


def processor_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
