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
    assert {len(line) for line in lines[1:]} == {COLUMNS}
    assert lines[0] == "Mon Mar  2 02:45:00 2026       "
    assert lines[3] == "|-----------------------------------------+------------------------+----------------------+"
    assert lines[10].endswith("|             Disabled |")


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
    assert text.startswith("---------------\ngpu-1\n---------------\nMon Mar  2 02:45:00 2026")
    listed = desk().type("nvidia-smi -L").text.split("\n")
    assert [line.split(": ")[0] for line in listed] == ["gpu-1", "gpu-2", "gpu-3", "gpu-large-1"]
    assert desk().type("nvidia-smi -L -i gpu-1").text.startswith("GPU 0: NVIDIA RTX A4500 (UUID: GPU-")
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


def test_no_two_processes_or_boards_share_a_number() -> None:
    rows = desk().type("nvidia-smi --query-compute-apps=pid,name --format=csv,noheader").text.split("\n")
    pids = [row.split(", ")[1] for row in rows]
    assert len(set(pids)) == len(pids) == 9
    assert rows[0].split(", ")[2].startswith("/opt/")
    buses = desk().type("nvidia-smi --query-gpu=pci.bus_id --format=csv,noheader").text.split("\n")
    assert len({row.split(", ")[1] for row in buses}) == 4


def test_details_are_those_asked_for_with_their_names_in_the_driver() -> None:
    bus = desk().type("nvidia-smi -i gpu-large-1 --query-gpu=pci.bus_id --format=csv,noheader").text
    text = desk().type("nvidia-smi -q -d MEMORY,ECC -i gpu-large-1").text
    assert text.split("\n")[:14] == [
        "",
        "==============NVSMI LOG==============",
        "",
        "Timestamp                                 : Mon Mar  2 02:45:00 2026",
        "Driver Version                            : 550.54.15",
        "CUDA Version                              : 12.4",
        "",
        "Attached GPUs                             : 1",
        f"GPU {bus}",
        "    FB Memory Usage",
        "        Total                             : 81920 MiB",
        "        Reserved                          : 0 MiB",
        "        Used                              : 0 MiB",
        "        Free                              : 81920 MiB",
    ]
    assert "            DRAM Uncorrectable            : 0" in text
    assert "Temperature" not in text
    assert "Xid" not in text
    whole = desk().type("nvidia-smi -q -i gpu-large-1").text
    assert "    Product Name                          : NVIDIA A100-SXM4-80GB" in whole
    assert "Temperature" in whole
    assert desk().type("nvidia-smi -q -d NOSUCH").exit == 1


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        ("nvidia-smi dmon -i gpu-large-1", "gpu pwr gtemp mtemp sm mem enc dec jpg ofa mclk pclk"),
        ("nvidia-smi dmon -s m -i gpu-large-1", "gpu fb bar1 ccpm"),
    ],
)
def test_device_monitoring_shows_the_groups_asked_for(line: str, columns: str) -> None:
    lines = desk().type(line).text.split("\n")
    assert lines[0].lstrip("# ").split() == columns.split()
    assert len(lines[2].split()) == len(columns.split())
    assert len(desk().type(f"{line} -c 3").text.split("\n")) == 5


def test_processes_are_monitored_with_their_share_of_the_gpu() -> None:
    lines = desk().type("nvidia-smi pmon -c 1 -i gpu-1").text.split("\n")
    assert lines[0].split() == ["#", "gpu", "pid", "type", "sm", "mem", "enc", "dec", "jpg", "ofa", "command"]
    assert [line.split()[2] for line in lines[2:]] == ["C", "C", "C"]
    assert desk().type("nvidia-smi pmon -i gpu-large-1").text.split("\n")[2].split()[:3] == ["0", "-", "-"]


def test_processes_answer_the_fields_asked_for() -> None:
    text = desk().type("nvidia-smi -i gpu-1 --query-compute-apps=used_memory,pid --format=csv").text
    assert text.split("\n")[0] == "used_gpu_memory [MiB], pid"
    assert text.split("\n")[1] == "5120 MiB, 308003"
    assert desk().type("nvidia-smi --query-compute-apps=nosuch").exit == 1


def test_a_loop_takes_three_readings_at_its_interval() -> None:
    looping = Desk(QUIET, 1_500.0)
    began_s = looping.op.now_s
    text = looping.submit("nvidia-smi -i gpu-1 -l 5")
    assert [line[11:19] for line in text.split("\n") if line.startswith("Mon")] == ["02:45:01", "02:45:06", "02:45:11"]
    assert looping.op.now_s - began_s == 11.5
    assert text.endswith("(3 readings, and left; watch nvidia-smi goes on)")


def test_looking_at_a_gpu_creates_no_series() -> None:
    before = len(desk().op.plant.store)
    desk().type("nvidia-smi")
    desk().type("nvidia-smi dmon")
    assert len(desk().op.plant.store) == before
