"""What a GPU draws and how warm it gets, by its model and how busy it is."""

from __future__ import annotations

LIMIT_W = {"NVIDIA RTX A4500": 200.0, "NVIDIA A100-SXM4-80GB": 400.0}
"""Source: NVIDIA data sheets, board power."""
LIMIT_DEFAULT_W = 300.0
IDLE_W = 24.0
HEAT_IDLE_C, HEAT_PER_PERCENT_C = 34.0, 0.4
MEMORY_WARMER_C = 8.0
MEMORY_BUSY_RATIO = 0.6
"""Share of a busy second in which the memory is read or written."""
CLOCKS_MHZ = {"NVIDIA RTX A4500": (8001, 2100), "NVIDIA A100-SXM4-80GB": (1593, 1410)}
"""Memory and highest graphics clock. Source: nvidia-smi -q -d CLOCK, Max Clocks, of these boards."""
CLOCKS_DEFAULT_MHZ = (8001, 1800)


def power_limit_w(gpu_name: str) -> float:
    """What the board may draw."""
    return LIMIT_W.get(gpu_name, LIMIT_DEFAULT_W)


def power_w(gpu_name: str, busy_percent: float) -> float:
    """Draw, in proportion to utilisation from idle to the limit."""
    return IDLE_W + (power_limit_w(gpu_name) - IDLE_W) * busy_percent / 100.0


def heat_c(busy_percent: float) -> float:
    """Temperature of the chip."""
    return HEAT_IDLE_C + HEAT_PER_PERCENT_C * busy_percent


def memory_heat_c(busy_percent: float) -> float:
    """Temperature of the memory."""
    return heat_c(busy_percent) + MEMORY_WARMER_C


def memory_busy_percent(busy_percent: float) -> float:
    """Utilisation of the memory."""
    return busy_percent * MEMORY_BUSY_RATIO


def clocks_mhz(gpu_name: str) -> tuple[int, int]:
    """Memory clock and graphics clock."""
    return CLOCKS_MHZ.get(gpu_name, CLOCKS_DEFAULT_MHZ)
