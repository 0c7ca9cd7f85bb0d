"""Where a kubectl of the same version is installed, it prints the same objects in the same way."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.simulator.shell.cluster_server import real_kubectl, serving
from tests.unit.simulator.shell.test_kubectl import crashing

SAME = "v1.32."


def _installed() -> str:
    if shutil.which("kubectl") is None:
        return ""
    ran = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=False, timeout=60)
    return ran.stdout


pytestmark = pytest.mark.skipif(SAME not in _installed(), reason=f"there is no kubectl {SAME}x here")
_DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000")
_AGE = re.compile(r"\b(?:\d+[smhdy]){1,2}\b(?: \(x\d+ over \w+\))?")
_GAPS = re.compile(r" {2,}|-{2,}")


def comparable(text: str) -> str:
    """Text without what goes on meanwhile: dates, ages, and the room that they take."""
    return _GAPS.sub(" ", _AGE.sub("AGE", _DATE.sub("DATE", text)))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(crashing().op) as at:
        yield at


@pytest.mark.parametrize(
    "line",
    [
        "describe pods",
        "describe nodes cpu-1 gpu-large-1",
        "describe deployments",
        "describe services",
        "describe replicasets",
        "describe statefulsets",
        "describe endpoints",
        "describe endpointslices",
        "describe namespaces",
        "describe horizontalpodautoscalers",
        "describe pods gateway",
    ],
)
def test_objects_are_described_as_kubectl_describes_them(address: str, line: str, tmp_path: Path) -> None:
    ours = crashing().type(f"kubectl {line}").text
    assert comparable(ours) == comparable(real_kubectl(address, tmp_path, *line.split()))


def test_what_does_not_move_is_the_same_to_the_byte(address: str, tmp_path: Path) -> None:
    for line in ("describe svc/gateway", "describe ns/shop", "describe ep/online-store"):
        words = line.replace("svc", "service").replace("ns/", "namespace/").replace("ep/", "endpoints/").split()
        assert crashing().type(f"kubectl {line}").text == real_kubectl(address, tmp_path, *words)
