"""The copy of the code that jobs run from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from checkout import Checkout

from repro.launch.snapshot import take_snapshot
from repro.trials.fingerprint import code_fingerprint


def test_a_copy_has_the_fingerprints_of_what_it_was_taken_of(checkout: Checkout) -> None:
    copy = take_snapshot(checkout.root / "code", checkout.root)
    names = ["tasks.toy.Toy", "methods.toy.Near"]
    assert code_fingerprint(names, copy) == code_fingerprint(names, checkout.root)
    assert code_fingerprint(names, copy).files
    assert not list(copy.rglob("__pycache__"))
    assert not (copy / "tables").exists()


def test_a_copy_is_taken_once_and_stays_when_the_code_changes(checkout: Checkout) -> None:
    source = checkout.root / "methods" / "toy.py"
    before = source.read_text()
    copy = take_snapshot(checkout.root / "code", checkout.root)
    assert take_snapshot(checkout.root / "code", checkout.root) == copy
    source.write_text(before + "# A remark.\n")
    other = take_snapshot(checkout.root / "code", checkout.root)
    assert other != copy
    assert (copy / "methods" / "toy.py").read_text() == before
    assert sorted(path.name for path in copy.parent.iterdir()) == sorted([copy.name, other.name])


def test_what_runs_from_a_copy_knows_the_commit_of_its_source(checkout: Checkout) -> None:
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(checkout.root))
    for words in (("init", "-q"), ("add", "repro"), ("commit", "-qm", "One")):
        subprocess.run([*git, *words], check=True, capture_output=True)
    program = (
        "from pathlib import Path; from repro.launch.snapshot import take_snapshot;"
        "print(take_snapshot(Path('results/code')))"
    )
    copy = Path(answer(program, checkout.root, checkout.root))
    revision = subprocess.run(
        [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Two"], check=True)
    asked = "from repro.trials.provenance import commit; print(commit())"
    assert answer(asked, checkout.root / copy, checkout.root) == revision.stdout.strip() + "-dirty"


def answer(program: str, path: Path, folder: Path) -> str:
    environment = {"PYTHONPATH": str(path), "PATH": "/usr/bin:/bin", "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
