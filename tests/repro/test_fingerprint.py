"""What counts as a trial's code: exactly what its task and method reach by import."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import UserError
from repro.trials.fingerprint import code_fingerprint, environment, imported_names, moved


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "losses/__init__.py": "from losses.one import first\nfrom losses.two import second\n",
        "losses/one.py": "import torch\ndef first(): ...\n",
        "losses/two.py": "def second(): ...\n",
        "methods/__init__.py": "",
        "methods/alpha.py": "from losses import first\nfrom tasks import helper\n",
        "methods/beta.py": "import losses\nfrom .alpha import x\n",
        "tasks/__init__.py": "SETTING = 1\n",
        "tasks/helper.py": "from repro.context import RunContext\nimport scipy\n",
        "repro/__init__.py": "",
        "repro/context.py": "import repro.trials.store\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_reexports_lead_to_the_defining_module_alone(tree: Path) -> None:
    found = code_fingerprint(["methods.alpha.Alpha"], tree)
    assert set(found.files) == {
        "methods/alpha.py",
        "losses/one.py",
        "tasks/__init__.py",
        "tasks/helper.py",
    }


def test_importing_the_whole_package_reaches_all_of_it(tree: Path) -> None:
    found = code_fingerprint(["methods.beta.Beta"], tree)
    assert {"losses/one.py", "losses/two.py", "methods/alpha.py"} <= set(found.files)


def test_names_that_are_imported_from_a_package(tree: Path) -> None:
    assert imported_names(["methods.alpha.Alpha"], "losses", tree) == {"first"}
    (tree / "methods/beta.py").write_text("import losses\nlosses.second()\nother.first()\n")
    assert imported_names(["methods.beta.Beta"], "losses", tree) == {"second"}
    assert imported_names(["tasks.helper"], "losses", tree) == set()


def test_the_harness_itself_does_not_count(tree: Path) -> None:
    before = code_fingerprint(["methods.alpha.Alpha"], tree).digest
    (tree / "repro/context.py").write_text("# other\n")
    assert code_fingerprint(["methods.alpha.Alpha"], tree).digest == before


@pytest.mark.parametrize(
    "line", ["from repro.curves import fit", "from repro import curves", "import repro.curves"]
)
def test_curve_fitting_counts_because_papers_compute_with_it(tree: Path, line: str) -> None:
    (tree / "repro/__init__.py").write_text('__version__ = "1"\n')
    (tree / "repro/curves.py").write_text("def fit(): ...\n")
    (tree / "tasks/scaling.py").write_text(f"{line}\n")
    before = code_fingerprint(["tasks.scaling.Task"], tree)
    assert set(before.files) == {"tasks/scaling.py", "tasks/__init__.py", "repro/curves.py"}
    (tree / "repro/curves.py").write_text("def fit(): return 1\n")
    assert moved(before.files, code_fingerprint(["tasks.scaling.Task"], tree).files) == [
        "repro/curves.py"
    ]


def test_of_the_package_of_curves_what_is_used_counts(tree: Path) -> None:
    (tree / "repro/curves").mkdir()
    reexports = "from repro.curves.joint import fit_joint\nfrom repro.curves.forms import FORMS\n"
    sources = {
        "__init__": reexports,
        "joint": "from repro.curves.forms import FORMS\nimport numpy\ndef fit_joint(): ...\n",
        "forms": "FORMS = {}\n",
    }
    for name, text in sources.items():
        (tree / f"repro/curves/{name}.py").write_text(text)
    lines = {
        "from repro.curves import FORMS": {"forms"},
        "from repro.curves import fit_joint": {"joint", "forms"},
        "from repro.curves.joint import fit_joint": {"joint", "forms"},
        "from repro import curves": {"joint", "forms"},
    }
    for line, expected in lines.items():
        (tree / "tasks/scaling.py").write_text(f"{line}\n")
        found = set(code_fingerprint(["tasks.scaling.Task"], tree).files)
        assert found - {"tasks/scaling.py", "tasks/__init__.py"} == {
            f"repro/curves/{name}.py" for name in expected
        }


def test_an_edit_moves_the_digest_of_those_that_reach_it(tree: Path) -> None:
    alpha, two = code_fingerprint(["methods.alpha.Alpha"], tree), tree / "losses/two.py"
    beta = code_fingerprint(["methods.beta.Beta"], tree)
    two.write_text("def second(): return 2\n")
    assert code_fingerprint(["methods.alpha.Alpha"], tree).digest == alpha.digest
    assert moved(beta.files, code_fingerprint(["methods.beta.Beta"], tree).files) == [
        "losses/two.py"
    ]


def test_packages_are_those_imported_without_build_tags(tree: Path) -> None:
    packages = code_fingerprint(["methods.alpha.Alpha"], tree).packages
    assert set(packages) == {"torch", "scipy"}
    assert all("+" not in version for version in packages.values())
    assert "python" in environment(packages)


def test_a_syntax_error_is_the_users_to_mend(tree: Path) -> None:
    (tree / "methods/alpha.py").write_text("def broken(:\n")
    with pytest.raises(UserError, match=r"alpha\.py:1: "):
        code_fingerprint(["methods.alpha.Alpha"], tree)
