"""Artefacts: what several trials need and takes time to make. Built once, found by content key."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.errors import Interrupted
from repro.files import make_directory, read_json, sha256_of_json, write_json
from repro.trials.attempts import finish_attempt, now, start_attempt
from repro.trials.fingerprint import code_fingerprint
from repro.trials.heartbeat import beating
from repro.trials.lock import claimed
from repro.trials.provenance import where

#: Part of every artefact's key: raise it when the meaning of a builder's arguments changes.
CONTRACT = 1

#: A builder whose directory holds this file when it is killed finds the directory as it left it, if
#: its code is still the same; without it, a new start begins with an empty one.
RESUME_FILE = "resume"

#: A builder writes its files into the directory that it is given. Its settings are JSON values.
Builder = Callable[..., None]


@dataclass(frozen=True)
class Artifact:
    """A builder and its settings: ``builder(directory, **settings)`` fills the directory."""

    builder: Builder
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The builder's dotted name."""
        return f"{self.builder.__module__}.{self.builder.__qualname__}"

    @property
    def key(self) -> str:
        """What identifies the artefact: the builder's name, settings and the contract's version."""
        return key_of(self.name, self.settings)

    @property
    def code(self) -> str:
        """The fingerprint of the sources that the builder reaches."""
        return code_fingerprint([self.name]).digest


def key_of(name: str, settings: dict[str, Any]) -> str:
    """Return the key of what the builder ``name`` makes with ``settings``: its folder's name."""
    return sha256_of_json([name, settings, CONTRACT])[:32]


def directory_of(artifact: Artifact, root: Path) -> Path:
    """Return where ``artifact`` lies below ``root`` (``results/artifacts``)."""
    return root / artifact.builder.__qualname__ / artifact.key


def is_built(artifact: Artifact, root: Path) -> bool:
    """Say whether ``artifact`` is there and was built by the builder's present code."""
    record = read_json(directory_of(artifact, root) / "artifact.json")
    return record is not None and record["code"] == artifact.code


def build(artifact: Artifact, root: Path) -> Path:
    """Return the directory of ``artifact``, built first if it is missing or its code has changed.

    Two processes that ask at once: one builds, the other waits and finds. A builder that raises
    leaves ``attempts.jsonl`` with the reason and nothing that looks finished.
    """
    directory = directory_of(artifact, root)
    make_directory(directory.parent)
    with claimed(directory.with_suffix(".claim"), directory / "heartbeat.json"):
        if not is_built(artifact, root):
            _build(artifact, directory)
    return directory / "content"


def _build(artifact: Artifact, directory: Path) -> None:
    make_directory(directory)
    attempts = directory / "attempts.jsonl"
    scratch = directory / "unfinished"
    begun = directory / "begun.json"
    if not (scratch / RESUME_FILE).exists() or read_json(begun) != {"code": artifact.code}:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        write_json(begun, {"code": artifact.code})
    start_attempt(attempts)
    started = time.monotonic()
    try:
        with beating(directory / "heartbeat.json"):
            artifact.builder(scratch, **artifact.settings)
    except (Interrupted, KeyboardInterrupt) as word:
        finish_attempt(attempts, f"interrupted: {str(word) or 'told to stop'}")
        raise
    except BaseException as error:
        finish_attempt(attempts, f"exception: {type(error).__name__}: {error}")
        raise
    (scratch / RESUME_FILE).unlink(missing_ok=True)
    begun.unlink()
    shutil.rmtree(directory / "content", ignore_errors=True)
    scratch.rename(directory / "content")
    record = {
        "builder": artifact.name,
        "settings": artifact.settings,
        "code": artifact.code,
        "wall_seconds": time.monotonic() - started,
        "finished": now(),
        **where(),
    }
    write_json(directory / "artifact.json", record)
    finish_attempt(attempts, "done")
