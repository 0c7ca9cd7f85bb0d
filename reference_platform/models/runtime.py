"""Serve a trained version without torch: same numbers, none of its start-up time, the same bits on every processor."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from reference_platform.arithmetic import affine, exp_of, log1p_of
from reference_platform.features.fingerprint import source_sha256

Floats32 = npt.NDArray[np.float32]

Head = Literal["logits", "probability", "score"]
"""What the last layer means: logits f4[rows, outputs] as they are, a probability each, or one score a row."""

Z_MAX = 8.0
"""Normalised inputs are cut here, so that one absurd value cannot drown the others."""

LOGIT_MAX = 60.0
"""Beyond this a probability is 0 or 1 in float32 anyway."""


class ExportedModel:
    """A feed-forward network with its input normalisation, as exported by the trainers."""

    def __init__(self, model: str, state: Mapping[str, Floats32], head: Head, threshold: float = 0.0) -> None:
        """`state`: log_mask, mean, scale, and weight_0 [out, in], bias_0, weight_1, ... KeyError if one is absent."""
        self.model = model
        self.head = head
        self.threshold = threshold
        self._log_columns = np.flatnonzero(state["log_mask"])
        self._mean = np.asarray(state["mean"], dtype=np.float32)
        self._scale = np.asarray(state["scale"], dtype=np.float32)
        depth = sum(name.startswith("weight_") for name in state)
        self._layers = [
            (np.ascontiguousarray(state[f"weight_{i}"].T, dtype=np.float32), np.asarray(state[f"bias_{i}"], np.float32))
            for i in range(depth)
        ]

    @classmethod
    def from_arrays(cls, stored: Mapping[str, npt.NDArray[np.generic]], head: Head) -> ExportedModel:
        """The model whose `weights_as_arrays` these are. KeyError if one is absent."""
        return cls(str(stored["model"]), state_of(stored), head, float(stored["threshold"].item()))

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the fitted input normalisation: its code, and all that it learned from the training rows.

        The same on every Python release, for the weights are trained on one and served on all.
        """
        code = source_sha256(inspect.getsource(ExportedModel.normalise))
        digest = hashlib.sha256(f"{code} {Z_MAX}".encode())
        for learned in (self._log_columns, self._mean, self._scale):
            digest.update(f"{learned.dtype.str}{learned.shape}".encode() + np.ascontiguousarray(learned).tobytes())
        return digest.hexdigest()

    @property
    def columns(self) -> int:
        """Number of inputs per row."""
        return int(self._mean.shape[0])

    def normalise(self, x: Floats32) -> Floats32:
        """Log scale where declared, zero mean, unit variance, bounded; a missing value (NaN) becomes the mean."""
        z = np.array(x, dtype=np.float32, copy=True)
        if z.ndim != 2 or z.shape[1] != self.columns:
            raise ValueError(f"{self.model}: X has shape {z.shape}, expected (rows, {self.columns})")
        logged = z[:, self._log_columns]
        z[:, self._log_columns] = np.sign(logged) * log1p_of(np.abs(logged))
        z -= self._mean
        z /= self._scale
        np.nan_to_num(z, copy=False, nan=0.0, posinf=Z_MAX, neginf=-Z_MAX)
        return np.clip(z, -Z_MAX, Z_MAX, out=z)

    def predict(self, x: Floats32) -> Floats32:
        """Scores of f4[rows, columns] as the head says; one output alone is f4[rows], several are f4[rows, outputs]."""
        z = self.normalise(x)
        last = len(self._layers) - 1
        for i, (weight, bias) in enumerate(self._layers):
            z = affine(z, weight, bias, rectified=i < last)
        if self.head == "logits":
            return z
        if self.head == "score":
            return z[:, 0]
        logit = np.clip(z, -LOGIT_MAX, LOGIT_MAX)
        probability = (1.0 / (1.0 + exp_of(-logit))).astype(np.float32)
        return probability[:, 0] if z.shape[1] == 1 else probability


def weights_as_arrays(
    model: str, state: Mapping[str, Floats32], threshold: float
) -> dict[str, npt.NDArray[np.generic]]:
    """One version as named arrays, fit for an .npz file without pickles. Inverse: `ExportedModel.from_arrays`."""
    named: dict[str, npt.NDArray[np.generic]] = {
        f"state.{name}": np.asarray(value, dtype=np.float32) for name, value in state.items()
    }
    return named | {"model": np.array(model), "threshold": np.array(threshold)}


def state_of(stored: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, Floats32]:
    """The state among the arrays of `weights_as_arrays`, in their order."""
    return {
        name.removeprefix("state."): values.astype(np.float32)
        for name, values in stored.items()
        if name.startswith("state.")
    }
