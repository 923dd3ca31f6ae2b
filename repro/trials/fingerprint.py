"""Which sources a task or method is made of, and whether they have changed.

The harness itself is left out: the contract's version, a part of every trial's id, stands for it.
Only ``repro.curves`` counts, because papers compute results with it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from repro.data import hash_of_data
from repro.errors import UserError
from repro.files import sha256_of_json
from repro.paths import ROOT

#: Import names that differ from the names of their distributions.
_DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python", "skimage": "scikit-image"}
_DISTRIBUTIONS |= {"sklearn": "scikit-learn", "yaml": "PyYAML", "ale_py": "ale-py"}


#: Parts of the harness that papers compute with: a change in them makes results stale.
_COUNTED = ("repro.curves",)

#: Stands for "the package itself, none of its names": its ``__init__`` runs on import.
_NOTHING = "-"


@dataclass(frozen=True)
class Fingerprint:
    """The sources reached (path below the checkout to SHA-256) and the packages they import."""

    files: dict[str, str]
    packages: dict[str, str]

    @property
    def digest(self) -> str:
        """One hash over all files."""
        return sha256_of_json(self.files)[:32]


def code_fingerprint(names: Iterable[str], root: Path = ROOT) -> Fingerprint:
    """Return the fingerprint of what the dotted ``names`` reach by import inside ``root``.

    Static: sources are parsed, nothing is imported. ``from package import name`` through a package
    that only re-exports leads to the module that defines ``name``, not to all of the package.
    """
    files: dict[str, str] = {}
    packages: set[str] = set()
    for module, path, counts in _reached(names, root):
        if path is None:
            packages.add(module.partition(".")[0])
        elif counts:
            files[path.relative_to(root).as_posix()] = _sha256(path)
    return Fingerprint(dict(sorted(files.items())), _versions(packages))


def imported_names(names: Iterable[str], package: str, root: Path = ROOT) -> set[str]:
    """Return what the sources that the dotted ``names`` reach import from ``package`` itself.

    Static, as the fingerprint is. After ``import package``, the attributes that a source reads of
    it. What the package's own modules import of each other is not in it.
    """
    found: set[str] = set()
    for module, path, _ in _reached(names, root):
        if path is None or module.partition(".")[0] == package:
            continue
        imports = _imports(module, path)
        found |= {name for base, name in imports if base == package and name}
        if (package, "") in imports:
            found |= _attributes(path.read_bytes(), str(path), package)
    return found


def moved(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Return the names whose hash or version differs, or that only one side has."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def environment(packages: dict[str, str]) -> dict[str, str]:
    """Return Python's minor version and ``packages``: what a result depends on beside the code."""
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", **packages}


def _reached(names: Iterable[str], root: Path) -> Iterator[tuple[str, Path | None, bool]]:
    """Yield each module that the dotted ``names`` reach by import, its source, whether it counts.

    The source is ``None`` outside ``root``. A package is yielded once for each name taken from it.
    """
    queue = [_split(name, root) for name in names]
    visited: set[tuple[str, str]] = set()
    while queue:
        module, name = queue.pop()
        if (module, name) in visited:
            continue
        visited.add((module, name))
        path = _source(module, root)
        if path is None:
            yield module, None, False
            continue
        followed, counts = _follow(module, name, path, root)
        yield module, path, counts
        queue += followed


def _follow(module: str, name: str, path: Path, root: Path) -> tuple[list[tuple[str, str]], bool]:
    """Return what ``module`` imports as (module, name), and whether its own source counts."""
    imports = [pair for pair in map(_of_harness, _imports(module, path)) if _counts(pair[0])]
    submodule = f"{module}.{name}"
    inner = [(submodule, "")] if name and _source(submodule, root) else []
    if path.name == "__init__.py" and _only_reexports(path):
        wanted = [pair for pair in imports if name in ("", "*") or pair[1] == name]
        return wanted + inner, False
    parents = [
        (parent, _NOTHING)
        for parent in _parents(module)
        if _counts(parent) and _source(parent, root)
    ]
    return imports + inner + parents, True


def _counts(module: str) -> bool:
    inside = any(module == counted or module.startswith(f"{counted}.") for counted in _COUNTED)
    return module.partition(".")[0] != "repro" or inside


def _of_harness(pair: tuple[str, str]) -> tuple[str, str]:
    """Return ``from repro import curves`` as the module it imports."""
    dotted = ".".join(pair)
    return (dotted, "") if dotted in _COUNTED else pair


def _parents(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def _split(dotted: str, root: Path) -> tuple[str, str]:
    """Split ``package.module.Name`` into its module and the name inside."""
    module, name = dotted, ""
    while _source(module, root) is None and "." in module:
        module, _, last = module.rpartition(".")
        name = last
    return module, name


def _source(module: str, root: Path) -> Path | None:
    base = root.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


# Each trial's process asks again, on sources that its parent has parsed before the fork: what
# follows from a source's bytes alone is remembered, and only the bytes are read anew.
@lru_cache(maxsize=512)
def _parse(source: bytes, name: str) -> ast.Module:
    try:
        return ast.parse(source, filename=name)
    except SyntaxError as error:
        raise UserError(f"{name}:{error.lineno}: {error.msg}: mend the source first") from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _imports(module: str, path: Path) -> tuple[tuple[str, str], ...]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return _imported_by(path.read_bytes(), str(path), package)


@lru_cache(maxsize=512)
def _imported_by(source: bytes, name: str, package: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for node in ast.walk(_parse(source, name)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            found += [(base, alias.name) for alias in node.names]
    return tuple(pair for pair in found if pair[0].partition(".")[0] not in sys.stdlib_module_names)


@lru_cache(maxsize=512)
def _attributes(source: bytes, name: str, package: str) -> frozenset[str]:
    """Return the attributes that a source reads of the name ``package``."""
    return frozenset(
        node.attr
        for node in ast.walk(_parse(source, name))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == package
    )


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join(base + ([node.module] if node.module else []))


def _only_reexports(path: Path) -> bool:
    """Say whether an ``__init__`` holds nothing but imports, a docstring and ``__all__``."""
    return all(
        isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Assign) and _names(node) == ["__all__"])
        for node in _parse(path.read_bytes(), str(path)).body
    )


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _versions(packages: Iterable[str]) -> dict[str, str]:
    """Return installed versions without build tags: ``2.13.0+cpu`` and ``2.13.0`` are the same."""
    versions = {}
    for package in sorted(packages):
        distribution = _DISTRIBUTIONS.get(package, package)
        version = _version(distribution)
        if version:
            versions[distribution] = version
    return versions


@lru_cache(maxsize=512)
def _version(distribution: str) -> str:
    """Return an installed version; empty for what is no distribution of its own."""
    try:
        return importlib.metadata.version(distribution).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


def what_moved(
    stored: dict[str, Any],
    present: Fingerprint,
    code_of: Callable[[str], Fingerprint] = lambda name: code_fingerprint([name]),
) -> list[str]:
    """Return the sources, packages, artefacts and data that have changed since a result.

    ``code_of`` gives the present fingerprint of an artefact's builder.
    """
    changed = moved(stored.get("files", {}), present.files)
    changed += moved(stored.get("environment", {}), environment(present.packages))
    for name, code in stored.get("artifacts", {}).items():
        if code_of(name.partition("/")[0]).digest != code:
            changed.append(f"artefact {name}")
    for name, digest in stored.get("data", {}).items():
        # Data that are not on this machine cannot be compared; they have not moved here.
        if Path(name).exists() and hash_of_data(Path(name)) != digest:
            changed.append(f"data {name}")
    return changed
