"""Whether the kernel killed a process for want of memory: told by the control group's counter."""

from __future__ import annotations

import re
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def kills_for_memory(own: Path = _OWN, groups: Path = _GROUPS) -> int:
    """Return how many processes of this one's control group the kernel has killed for memory.

    0 where there is no such counter. Both versions of control groups have one.
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    for line in lines:
        _, controllers, path = line.split(":", 2)
        below = path.lstrip("/")
        if not controllers:
            return _count(groups / below / "memory.events")
        if "memory" in controllers.split(","):
            return _count(groups / "memory" / below / "memory.oom_control")
    return 0


def _count(path: Path) -> int:
    try:
        found = re.search(r"^oom_kill (\d+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0
