"""What the parts of a platform are for. A document names its deployments as it likes; code finds them by role.

The word of a role is also the word for it in causes, whatever its deployments are called.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Role = Literal["gateway", "fallback", "online-store", "materializer", "feature-pipeline", "mlflow"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

GATEWAY: Final = "gateway"
"""Takes the shop's requests and asks the models."""
FALLBACK: Final = "fallback"
"""Answers with defaults where no model does."""
STORE: Final = "online-store"
"""Holds the newest features of each customer."""
MATERIALIZER: Final = "materializer"
"""Writes features from history into the online store."""
PIPELINE: Final = "feature-pipeline"
"""Reads the shop's events and makes features of them."""
REGISTRY: Final = "mlflow"
"""Holds the versions of the models."""
