"""What the feature server says no with: a status, a kind that feature-store clients know, and what to do about it.

The body is a JSON string that itself contains JSON: clients of this contract decode it twice and raise the error class
that it names. Source: feast 0.67, `FeastError.to_error_detail` and `FeastError.from_error_detail`.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import orjson

from reference_platform.errors import PagerDrillError


class KindFacts(NamedTuple):
    """Name of the class that clients rebuild, and the HTTP status it comes with."""

    client_class: str
    status: int


class Kind(Enum):
    """Why a request was refused."""

    VIEW_NOT_FOUND = KindFacts("FeatureViewNotFoundException", 404)
    SERVICE_NOT_FOUND = KindFacts("FeatureServiceNotFoundException", 404)
    PUSH_SOURCE_NOT_FOUND = KindFacts("PushSourceNotFoundException", 422)
    FEATURE_NOT_FOUND = KindFacts("SpecifiedFeaturesNotPresentError", 422)
    NAMES_COLLIDE = KindFacts("FeatureNameCollisionError", 422)
    REQUEST_DATA_MISSING = KindFacts("RequestDataNotFoundInEntityRowsException", 422)
    NOT_ALLOWED = KindFacts("FeastPermissionError", 403)
    WRONG = KindFacts("FeastError", 422)
    TOO_LARGE = KindFacts("FeastError", 413)
    NOT_JSON = KindFacts("FeastError", 415)

    @property
    def status(self) -> int:
        """HTTP status."""
        return self.value.status

    @property
    def client_class(self) -> str:
        """The error class that clients rebuild."""
        return self.value.client_class


class RefusedError(PagerDrillError):
    """A request that the server will not carry out. Nothing was changed."""

    def __init__(self, kind: Kind, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what, why=why, fix=fix)
        self.kind = kind


def error_body(client_class: str, message: str) -> bytes:
    """The body of an error reply."""
    detail = {"module": "feast.errors", "class": client_class, "message": message}
    return orjson.dumps(orjson.dumps(detail).decode())
