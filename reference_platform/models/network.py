"""The feed-forward network that the models share, and how it is fitted. Imports torch: image building only."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from reference_platform.models.card import VersionSpec
from reference_platform.models.runtime import Z_MAX, ExportedModel, Head

HELD_OUT_RATIO = 0.2
BATCH_REQUESTS = 512
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 1e-4

Array = npt.NDArray[Any]
Floats32 = npt.NDArray[np.float32]
State = dict[str, Floats32]
Loss = Callable[[Tensor, Tensor], Tensor]


class FeedForward(nn.Module):
    """Normalised inputs through ReLU layers. `forward` takes raw X [rows, columns] and gives [rows, outputs]."""

    log_mask: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, columns: int, hidden: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        widths = (columns, *hidden, outputs)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.register_buffer("log_mask", torch.zeros(columns, dtype=torch.bool))
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("scale", torch.ones(columns))

    def learn_inputs(self, x: Tensor, log_mask: Tensor) -> None:
        """Take the normalisation from training rows; a constant column keeps scale 1."""
        self.log_mask.copy_(log_mask)
        logged = self._logged(x)
        known = ~torch.isnan(logged)
        count = known.sum(dim=0).clamp(min=1)
        filled = torch.nan_to_num(logged)
        self.mean.copy_(filled.sum(dim=0) / count)
        spread = torch.sqrt((torch.where(known, logged - self.mean, 0.0) ** 2).sum(dim=0) / count)
        self.scale.copy_(torch.where(spread > 1e-6, spread, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        z = (self._logged(x) - self.mean) / self.scale
        z = torch.nan_to_num(z, nan=0.0, posinf=Z_MAX, neginf=-Z_MAX).clamp(-Z_MAX, Z_MAX)
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            z = layer(z)
            if i < last:
                z = torch.relu(z)
        return z

    def _logged(self, x: Tensor) -> Tensor:
        return torch.where(self.log_mask, torch.sign(x) * torch.log1p(torch.abs(x)), x)

    def exported(self) -> State:
        """The state that `ExportedModel` reads."""
        state: State = {
            "log_mask": self.log_mask.numpy().astype(np.float32),
            "mean": self.mean.numpy().copy(),
            "scale": self.scale.numpy().copy(),
        }
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Linear)
            state[f"weight_{i}"] = layer.weight.detach().numpy().copy()
            state[f"bias_{i}"] = layer.bias.detach().numpy().copy()
        return state


Make = Callable[[VersionSpec], FeedForward]


def held_out_from(spec: VersionSpec, rows: int) -> int:
    """First held-out row: rows are in time order and the last fifth is never trained on."""
    requests = rows // spec.schema.rows_per_request
    return (requests - int(requests * HELD_OUT_RATIO)) * spec.schema.rows_per_request


def fit(make: Make, spec: VersionSpec, x: Floats32, y: Array, loss: Loss, seed: int) -> State:
    """Train a new network on all but the held-out rows; returns its exported state. Equal arguments give equal weights.

    `loss(outputs, y)` is the mean loss of whole requests. Torch's global generator and thread count are left as they
    were.
    """
    per_request = spec.schema.rows_per_request
    assert len(x) == len(y), "one label per row"
    assert len(x) % per_request == 0, "X must hold whole requests"
    split = held_out_from(spec, len(x))
    first = split - int(split // per_request * spec.data_ratio) * per_request
    inputs, targets = torch.from_numpy(x[first:split]), torch.from_numpy(y[first:split])
    requests = (split - first) // per_request
    log_mask = torch.tensor([name in spec.schema.log_columns for name in spec.schema.columns])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = make(spec)
            network.learn_inputs(inputs, log_mask)
            batches = -(-requests // BATCH_REQUESTS)
            optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2 * LEARNING_RATE, spec.epochs * batches)
            by_request = inputs.reshape(requests, per_request, -1), targets.reshape(requests, per_request)
            for _ in range(spec.epochs):
                for chosen in torch.split(torch.randperm(requests), BATCH_REQUESTS):
                    optimiser.zero_grad()
                    rows, wanted = by_request[0][chosen].flatten(0, 1), by_request[1][chosen].flatten()
                    loss(network(rows), wanted).backward()  # type: ignore[no-untyped-call]
                    optimiser.step()
                    schedule.step()
            return network.exported()
    finally:
        torch.set_num_threads(threads)


def held_out_scores(spec: VersionSpec, state: State, x: Floats32, head: Head) -> Floats32:
    """Scores of the held-out rows by the runtime that will serve them."""
    return ExportedModel(spec.model, state, head).predict(x[held_out_from(spec, len(x)) :])
