"""The registry: what has been applied, in one JSON file that is replaced whole."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reference_platform.errors import ConfigError
from reference_platform.features.code_references import CodeFolder
from reference_platform.features.definition_documents import DefinitionsDocument
from reference_platform.features.definition_reader import read_definitions
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definition_writer import write_definitions

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Applied:
    """What is applied. `version` grows by one with every change; 0 when nothing ever was."""

    version: int
    definitions: DefinitionSet
    changed_us: int


class RegistryFile:
    """Reads and replaces the file. Readers always see one whole version."""

    def __init__(self, path: Path, code: CodeFolder) -> None:
        self.path = path
        self._code = code

    def stamp(self) -> tuple[int, int]:
        """Changes whenever the file is replaced; (0, 0) while there is none. Raises ConfigError as `read` does."""
        try:
            held = self.path.stat()
        except FileNotFoundError:
            return (0, 0)
        except OSError as error:
            raise self._unusable("read", error) from error
        return (held.st_mtime_ns, held.st_ino)

    def read(self) -> Applied:
        """The version in force. Raises ConfigError when the file is damaged or cannot be read."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return Applied(0, DefinitionSet(), 0)
        except OSError as error:
            raise self._unusable("read", error) from error
        try:
            held = json.loads(raw.decode("utf-8"))
            if held["format"] != FORMAT:
                raise ConfigError(
                    f"{self.path} has format {held['format']}", fix=f"this version reads format {FORMAT}; upgrade it"
                )
            document = DefinitionsDocument.model_validate_json(json.dumps(held["definitions"]))
            definitions = read_definitions(document, self._code, keep_missing=True)
            return Applied(int(held["version"]), definitions, int(held["changed_us"]))
        except (KeyError, TypeError, ValueError, ValidationError, RecursionError) as error:
            raise ConfigError(
                f"{self.path} is damaged", why=str(error).splitlines()[0][:200], fix="delete it and apply again"
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the registry meanwhile. Raises ConfigError as `write` does."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            held = (self.path.parent / ".registry.lock").open("a")
        except OSError as error:
            raise self._unusable("written", error) from error
        with held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def write(self, applied: Applied) -> None:
        """Replace the file; it is on disk when this returns. Raises ConfigError when it cannot be written."""
        document = {
            "format": FORMAT,
            "version": applied.version,
            "changed_us": applied.changed_us,
            "definitions": write_definitions(applied.definitions, self._code).model_dump(mode="json"),
        }
        fresh = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as stream:
                json.dump(document, stream, indent=1)
                stream.flush()
                os.fsync(stream.fileno())
            self._make_later(fresh)
            fresh.replace(self.path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise self._unusable("written", error) from error

    def _make_later(self, fresh: Path) -> None:
        """Give `fresh` a later time than the file it replaces: clocks tick slower than files follow, and go back."""
        before_ns = self.stamp()[0]
        if fresh.stat().st_mtime_ns <= before_ns:
            os.utime(fresh, ns=(before_ns + 1, before_ns + 1))

    def _unusable(self, done: str, error: OSError) -> ConfigError:
        why = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        return ConfigError(f"the registry {self.path} cannot be {done}", why=why, fix="make room or grant access")
