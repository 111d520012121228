"""Files in transit: to workers that share no disk with the campaign, and back."""

import hashlib
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LARGEST = 64 << 20
"""Bytes of files that come back from a run that did not pass; what is beyond stays behind, the largest first."""


@dataclass(frozen=True)
class Parcel:
    """Files under a name that is their content's."""

    digest: str
    data: bytes

    @classmethod
    def pack(cls, files: Mapping[str, Path]) -> "Parcel":
        """Files by the names that they shall have."""
        told, packed = hashlib.sha256(), io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in sorted(files.items()):
                archive.write(path, name)
                told.update(f"{name}\0{path.stat().st_mode & 0o111}\0{path.stat().st_size}\0".encode())
                told.update(path.read_bytes())
        return cls(told.hexdigest()[:16], packed.getvalue())

    def unpack(self, store: Path) -> Path:
        """The folder with the files, in ``store``; unpacked by one process, used by all."""
        folder = store / self.digest
        if folder.is_dir():
            return folder
        store.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="unpacking-", dir=store))
        _extract(self.data, work)
        try:
            work.rename(folder)
        except OSError:  # another was first
            shutil.rmtree(work, ignore_errors=True)
        return folder


def gather(folder: Path) -> bytes:
    """The files of a run, as far as they are not too large; empty where there are none."""
    files = [(path.stat().st_size, path) for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    packed, room = io.BytesIO(), LARGEST
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for size, path in sorted(files):
            if size <= room:
                archive.write(path, path.relative_to(folder).as_posix())
                room -= size
    return packed.getvalue() if files else b""


def scatter(data: bytes, folder: Path) -> None:
    """Files of `gather`, in a folder that is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _extract(data, folder)


def _extract(data: bytes, folder: Path) -> None:
    """Names that lead out of the folder are cut off by zipfile; modes it forgets."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder))
            os.chmod(path, 0o755 if entry.external_attr >> 16 & 0o111 else 0o644)
