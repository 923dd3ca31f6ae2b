"""Files inside a tar or zip archive, read one by one without unpacking it."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from repro.errors import UserError


class Archive:
    """A zip archive or an uncompressed tar archive; several threads may read at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all files in the archive."""
        return frozenset(self._places or self._zip.namelist())

    def read(self, name: str) -> bytes:
        """Return the bytes of one file. Raises ``UserError`` where the archive lacks it."""
        if name not in self.names:
            raise UserError(f"{self.path} lacks {name}: it is incomplete; fetch it again")
        if not self._places:
            return self._zip.read(name)
        offset, size = self._places[name]
        return os.pread(self._descriptor, size, offset)

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise UserError(f"{self.path} is not a whole zip archive; fetch it again") from error

    @cached_property
    def _descriptor(self) -> int:
        return os.open(self.path, os.O_RDONLY)

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """Offset and size of each file of a tar archive; empty for a zip archive."""
        if self.path.suffix != ".tar":
            return {}
        try:
            with tarfile.open(self.path, "r:") as archive:
                return {m.name: (m.offset_data, m.size) for m in archive if m.isfile()}
        except tarfile.TarError as error:
            raise UserError(f"{self.path} is not a whole tar archive; fetch it again") from error


def files_of_compressed_tar(path: Path, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each file with ``suffix`` in a .tgz archive, in its order."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.name.endswith(suffix) else None
                if stream is not None:
                    yield member.name, stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserError(f"{path} is not a whole .tgz archive ({error}); fetch it again") from error
