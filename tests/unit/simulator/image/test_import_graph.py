"""Code that decides is found by following imports as Python does, and only its meaning counts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from reference_platform.models.catalogue import CARDS
from simulator.image.artifacts import artifacts
from simulator.image.import_graph import ROOT, Sources

FILES = {
    "simulator/__init__.py": "",
    "simulator/a.py": (
        "from __future__ import annotations\nimport numpy\nfrom typing import TYPE_CHECKING\n"
        "from simulator.part import THING\n"
        "if TYPE_CHECKING:\n    from simulator.typed import T\nelse:\n    import simulator.otherwise\n"
        "def f():\n    from simulator.late import g\n    return g\n"
    ),
    "simulator/part/__init__.py": "from simulator.part.inner import THING\n",
    "simulator/part/inner.py": "THING = 1\n",
    "simulator/part/beside.py": "import simulator.part.deep.leaf as leaf\nfrom simulator import a\n",
    "simulator/part/deep/__init__.py": "from simulator.typed import T\n",
    "simulator/part/deep/leaf.py": "",
    "simulator/late.py": 'def g():\n    """Two."""\n    return 1\n',
    "simulator/typed.py": "T = int\n",
    "simulator/otherwise.py": "",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_imports_are_followed_wherever_they_stand_but_not_those_of_type_checkers(tree: Path) -> None:
    a = ["simulator.a", "simulator.late", "simulator.otherwise", "simulator.part", "simulator.part.inner"]
    assert Sources(tree).closure(["simulator.a"]) == a
    assert Sources(tree).closure(["simulator.part.inner"]) == ["simulator.part.inner"]


def test_a_module_on_the_way_to_another_does_not_count_and_a_circle_ends(tree: Path) -> None:
    (tree / "simulator/late.py").write_text("from simulator.part import beside\n")
    found = Sources(tree).closure(["simulator.part.beside"])
    assert set(Sources(tree).closure(["simulator.a"])) == set(found)
    assert {"simulator.part.beside", "simulator.part.deep.leaf", "simulator.a"} <= set(found)
    assert not {"simulator.part.deep", "simulator.typed", "simulator"} & set(found)


def test_what_is_not_there_is_an_error(tree: Path) -> None:
    with pytest.raises(KeyError, match=r"simulator\.nowhere"):
        Sources(tree).closure(["simulator.nowhere"])


def test_only_meaning_counts(tree: Path) -> None:
    before = Sources(tree).digest(["simulator.a"])
    remark = {"simulator.late": '# A remark.\ndef g():\n    """One."""\n    return (1)\n'}
    assert Sources(tree, remark).digest(["simulator.a"]) == before
    assert Sources(tree, {"simulator.late": "def g():\n    return 2\n"}).digest(["simulator.a"]) != before
    assert Sources(tree, {"simulator.typed": "T = str\n"}).digest(["simulator.a"]) == before
    (tree / "simulator/part/inner.py").write_text("THING = 2\n")
    assert Sources(tree).digest(["simulator.a"]) != before


def test_an_init_on_the_way_does_nothing_that_could_decide() -> None:
    """That is why it may be left out: it names things, and computes none."""
    sources = Sources()
    entries = {entry for item in artifacts(CARDS.values()) for entry in item.entries}
    packages = {
        module.rsplit(".", count)[0] for module in sources.closure(entries) for count in range(1, module.count(".") + 1)
    }
    for package in sorted(packages):
        file = ROOT.joinpath(*package.split("."), "__init__.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            harmless = isinstance(node, ast.Import | ast.ImportFrom)
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            names = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            assert harmless or text or names, f"{file}: {ast.unparse(node)}"
