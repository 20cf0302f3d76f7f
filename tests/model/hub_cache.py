"""A local cache of the Hugging Face hub, laid out as its client does it, so that no test needs a network."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path


def put(cache: Path, repository: str, folder: Path, only: Collection[str] | None = None) -> str:
    """Have a folder's files (``only`` these) in the cache, ``HF_HOME/hub``, as a commit of the repository, and ``main``
    point to it; the commit."""
    place, commit = cache / f"models--{repository.replace('/', '--')}", commit_of(folder)
    for name, content in contents(folder).items():
        if only is None or name in only:
            blob = place / "blobs" / hashlib.sha256(content).hexdigest()
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(content)
            link = place / "snapshots" / commit / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(blob)
    head(cache, repository, commit)
    return commit


def head(cache: Path, repository: str, commit: str) -> None:
    """Have ``main`` point to the commit."""
    ref = cache / f"models--{repository.replace('/', '--')}" / "refs" / "main"
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(commit)


def commit_of(folder: Path) -> str:
    """A commit's name for what the folder holds."""
    hashes = [(name, hashlib.sha1(content).hexdigest()) for name, content in sorted(contents(folder).items())]
    return hashlib.sha1(repr(hashes).encode()).hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
