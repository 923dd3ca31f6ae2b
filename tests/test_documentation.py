"""What the documents say is true: links lead somewhere, the example paper runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkout import Checkout

from repro.spec import load_spec

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(ROOT.glob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_local_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert missing == []


def test_the_readme_names_every_paper_that_has_a_spec() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    papers = [path.stem for path in (ROOT / "tables").glob("*.yaml")]
    assert papers
    for paper in papers:
        row = re.search(rf"^\| `{paper}` \|.*\| runs \| (.+?) \|$", readme, re.MULTILINE)
        assert row, f"README.md has no row for {paper} with its verdicts"


def test_the_example_paper_runs(checkout: Checkout) -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", guide, re.DOTALL)
    assert [name for name, _ in blocks] == [
        "methods/huber.py",
        "tables/huber.yaml",
        "figures/huber.yaml",
    ]
    for name, content in blocks:
        (checkout.root / name).write_text(content, encoding="utf-8")
    shown = checkout.repro("reproduce", "huber", "--scale", "smoke")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "the paper's one claim is" in shown.stdout


def test_the_documented_blocks_load_together(tmp_path: Path) -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n((?:# tables/huber|tuning:|overall:).*?)```", guide, re.DOTALL)
    assert len(blocks) == 3
    (tmp_path / "huber.yaml").write_text("".join(blocks), encoding="utf-8")
    spec = load_spec("huber", tmp_path)
    assert spec.tuning is not None
    assert set(spec.tuning.space) == {"huber", "mse"}
    assert [entry.id for entry in spec.overall] == ["typical_error"]


def test_the_makefile_explains_every_target_that_a_user_may_call() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = re.search(r"^\.PHONY: (.*?[^\\])$", makefile, re.MULTILINE | re.DOTALL)
    assert declared
    targets = set(declared[1].replace("\\", " ").split())
    explained = set(re.findall(r"^([a-z-]+):.*?## ", makefile, re.MULTILINE))
    assert targets == explained
