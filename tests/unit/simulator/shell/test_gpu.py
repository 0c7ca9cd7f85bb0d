"""nvidia-smi draws the devices as the driver does, from the pods that use them."""

from __future__ import annotations

from functools import cache

import pytest

from tests.unit.simulator.shell.desk import QUIET, Desk

COLUMNS = 91


@cache
def desk() -> Desk:
    return Desk(QUIET, 1_500.0)


def test_every_line_of_the_box_is_91_columns_wide() -> None:
    lines = desk().type("nvidia-smi -i gpu-large-1").text.split("\n")
    assert {len(line) for line in lines if line.startswith(("+", "|"))} == {COLUMNS}


def test_processes_add_up_to_the_memory_in_use() -> None:
    cluster, op = desk().op.plant.cluster, desk().op
    text = desk().type("nvidia-smi -i gpu-1").text
    used_mib = cluster.gpu_used_bytes("gpu-1", op.now_s) >> 20
    assert f"{used_mib}MiB / " in text
    shown = [int(line.split()[-2].removesuffix("MiB")) for line in text.split("\n") if " C   " in line]
    assert sum(shown) == used_mib
    assert len(shown) == 3


def test_without_a_node_every_gpu_answers() -> None:
    text = desk().type("nvidia-smi").text
    assert text.count("NVIDIA-SMI") == 4
    assert "No running processes found" in text


def test_a_query_answers_for_the_fields_asked_for() -> None:
    text = desk().type("nvidia-smi -i gpu-1 --query-gpu=name,memory.total --format=csv").text
    assert text == "name, memory.total [MiB]\nNVIDIA RTX A4500, 20480 MiB"
    bare = desk().type("nvidia-smi -i gpu-1 --query-gpu=name,memory.total --format=csv,noheader,nounits").text
    assert bare == "NVIDIA RTX A4500, 20480"


@pytest.mark.parametrize("line", ["nvidia-smi -i cpu-1", "nvidia-smi --query-gpu=fan", "dcgmi health -c -i gpu-9"])
def test_what_has_no_answer_is_refused_with_advice(line: str) -> None:
    ran = desk().type(line)
    assert ran.exit == 1
    assert "\n" in ran.text


def test_looking_at_a_gpu_creates_no_series() -> None:
    before = len(desk().op.plant.store)
    desk().type("nvidia-smi")
    desk().type("nvidia-smi dmon")
    assert len(desk().op.plant.store) == before
