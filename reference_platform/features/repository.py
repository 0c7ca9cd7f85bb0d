"""A team's folder of definitions: Python and YAML files, read into one set."""

from __future__ import annotations

from pathlib import Path

from reference_platform.documents import load_document, locate, read_text
from reference_platform.errors import ContentError
from reference_platform.features.code_references import CodeFolder
from reference_platform.features.config import CONFIG_FILE
from reference_platform.features.definition_documents import DefinitionsDocument
from reference_platform.features.definition_reader import read_definitions
from reference_platform.features.definition_set import SOURCES, DefinitionSet, FeatureObject
from reference_platform.features.definitions import Entity, FeatureView
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.services import FeatureService

KINDS = (Entity, FeatureView, OnDemandFeatureView, FeatureService, *SOURCES)


def read_repository(root: Path, code: CodeFolder, *, ignored: tuple[str, ...] = ()) -> DefinitionSet:
    """Everything declared in the .py and .yaml files at the top of `root`.

    YAML files are read after the Python ones, in order of name, and may mention what came before. Raises ContentError
    with file, line and column.
    """
    found: list[FeatureObject] = []
    definitions = DefinitionSet()
    for module in code.modules():
        found += [value for value in vars(module).values() if isinstance(value, KINDS)]
        try:
            definitions = DefinitionSet.of(found)
        except ContentError as error:
            raise ContentError(error.what, where=f"{module.__file__}", why=error.why, fix=error.fix) from error
    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        if path.name != CONFIG_FILE and path.name not in ignored:
            definitions = DefinitionSet.of([*definitions.objects(), *_read_yaml(path, code, definitions).objects()])
    return definitions


def _read_yaml(path: Path, code: CodeFolder, known: DefinitionSet) -> DefinitionSet:
    text = read_text(path)
    document = load_document(text, DefinitionsDocument, str(path))

    def place(*steps: str | int) -> str:
        return locate(text, str(path), steps)

    try:
        return read_definitions(document, code, known=known, locate=place)
    except ContentError as error:
        if error.where:
            raise
        raise ContentError(error.what, where=f"{path}:1:1", why=error.why, fix=error.fix) from error
