"""What seeds share and none of them replicates: a teacher, a base network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.cells.aggregate import Group, artifact_name, dataset_entry
from repro.spec import TableSpec

#: Places that are named of an artefact that some settings have; more are counted.
_NAMED = 2


def conditional_on(groups: Sequence[Group], spec: TableSpec) -> str:
    """Return what a statement on all of ``groups`` is conditional on; empty if on nothing.

    What all seeds of all settings share is told apart from what only those of one setting do: each
    setting may have an artefact of its own, or some have none.
    """
    keys = [set(group.shared_artifact_keys) for group in groups]
    common = set.intersection(*keys) if keys else set()
    labels = [_label(group, spec) for group in groups]
    places: dict[str, set[str]] = {}
    for label, found in zip(labels, keys, strict=True):
        for key in found - common:
            places.setdefault(artifact_name(key), set()).add(label)
    own = [f"{name} ({_listed(places[name], labels)})" for name in sorted(places)]
    parts = _parts(sorted(set(map(artifact_name, common))), own)
    return f"conditional on {' and on '.join(parts)}" if common or own else ""


def _parts(common: Sequence[str], own: Sequence[str]) -> Iterator[str]:
    for names, which in ((common, "all seeds"), (own, "all seeds of one setting")):
        if names:
            noun = "artefact" if len(names) == 1 else "artefacts"
            yield f"the {noun} that {which} share: {', '.join(names)}"


def _listed(places: set[str], labels: Sequence[str]) -> str:
    """Return where an artefact is shared: each of ``labels``, or the first few by name."""
    if places == set(labels):
        return "in every setting" if len(places) > 1 else labels[0]
    ordered = [label for label in dict.fromkeys(labels) if label in places]
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more


def _label(group: Group, spec: TableSpec) -> str:
    setting = group.setting
    return f"{spec.methods[setting.method].label} on {dataset_entry(spec, setting.dataset).label}"
