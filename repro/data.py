"""Data files: found by name and hash in ``REPRO_DATA``, else downloaded once and verified.

Tasks declare each file as a :class:`DataFile` and ask for its path; nothing here knows a data set.

``REPRO_DATA``   read-only folder, searched by file name and SHA-256
``KLAIM_CACHE``  where downloads are kept (default: ``~/.cache/klaim``)
``OFFLINE=1``    never touch the network; say what is missing
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from repro.errors import UserError, first_line
from repro.files import make_directory, sha256_of_file, sha256_of_json


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Without ``urls`` it is never downloaded: ``source`` says where the user can get it.
    ``sha256=None`` means that nobody has verified the file yet: the hash of the first download is
    recorded in the trial's result and shown as unverified. A hash is never invented.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str | None
    licence: str
    source: str = ""


def cache_directory() -> Path:
    """Return the folder for downloads and other things that can be made again."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "klaim"
    return Path(os.environ.get("KLAIM_CACHE", default)).expanduser()


def find(file: DataFile) -> Path | None:
    """Return where ``file`` already lies, or ``None``. Wrong bytes: ``UserError``."""
    wrong = None
    for folder in data_folders():
        for candidate in sorted(folder.rglob(file.name)) if folder.is_dir() else []:
            if file.sha256 is None or sha256_of_file(candidate) == file.sha256:
                return candidate
            wrong = wrong or candidate
    cached = _cached(file)
    if not cached.exists():
        if wrong and not _may_download(file):
            raise _rejected(wrong, file)
        return None
    if file.sha256 is not None and sha256_of_file(cached) != file.sha256:
        raise _rejected(cached, file)
    return cached


def hash_of_data(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder, that of the names and sizes of its files.

    Kept for the next call in this process, as long as size and time of change stay the same.
    """
    if path.is_file():
        status = path.stat()
        return _hash_of_file(path, status.st_size, status.st_mtime_ns)
    files = sorted(entry for entry in path.rglob("*") if entry.is_file())
    return sha256_of_json([[p.relative_to(path).as_posix(), p.stat().st_size] for p in files])


@lru_cache(maxsize=1024)
def _hash_of_file(path: Path, _size: int, _changed: int) -> str:
    return sha256_of_file(path)


def locate(file: DataFile) -> Path:
    """Return the path of ``file``, downloaded first where that is needed and allowed."""
    found = find(file)
    if found is not None:
        return found
    if not file.urls:
        raise UserError(
            f"{file.name} is not on this machine and is never downloaded (licence: "
            f"{file.licence}): get it from {file.source} and put it into the folder that "
            f"REPRO_DATA names"
        )
    if not _may_download(file):
        raise UserError(
            f"{file.name} is not on this machine and OFFLINE=1 forbids a download: put the file "
            f"(sha256 {file.sha256 or 'unknown'}) into the folder that REPRO_DATA names, or fetch "
            f"it elsewhere from {file.urls[0]}"
        )
    return _download(file)


def data_folders() -> list[Path]:
    """Return the folders that ``REPRO_DATA`` names."""
    named = os.environ.get("REPRO_DATA", "")
    return [Path(part).expanduser() for part in named.split(os.pathsep) if part]


def _cached(file: DataFile) -> Path:
    folder = file.sha256[:16] if file.sha256 else "unverified"
    return cache_directory() / "data" / folder / file.name


def offline() -> bool:
    """Say whether the network must not be touched."""
    return os.environ.get("OFFLINE", "") in ("1", "true", "yes")


def _may_download(file: DataFile) -> bool:
    return bool(file.urls) and not offline()


def _rejected(path: Path, file: DataFile) -> UserError:
    return UserError(
        f"{path} has sha256 {sha256_of_file(path)}, expected {file.sha256}: the file is damaged or "
        f"another version; delete it and run the same command again"
    )


def _download(file: DataFile) -> Path:
    import pooch

    from repro.download_bar import DownloadBar

    target = _cached(file)
    make_directory(target.parent)
    pooch.get_logger().setLevel("WARNING")  # its lines would stand among ours
    problems = []
    for url in file.urls:
        try:
            known = f"sha256:{file.sha256}" if file.sha256 else None
            bar = DownloadBar(file.name)
            get = pooch.HTTPDownloader(progressbar=bar)
            pooch.retrieve(
                url, known_hash=known, fname=file.name, path=target.parent, downloader=get
            )
        except Exception as error:  # one line per address: any failure leads to the next one
            problems.append(f"{url}: {_first_line(error)}")
        else:
            return target
    raise UserError(
        f"cannot download {file.name} ({'; '.join(problems)}): check the connection, or put the "
        f"file (sha256 {file.sha256 or 'unknown'}) into the folder that REPRO_DATA names"
    )


def _first_line(error: Exception) -> str:
    import requests

    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return first_line(error)[:200]
