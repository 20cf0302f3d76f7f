"""Encoders by a Hugging Face id: which commit it stands for, and that commit's files in the local cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from model.encoders.file_checks import reason
from model.encoders.files import INDEX, SETTINGS, VOCABULARY, WEIGHTS, EncoderError, identity, names_of, parts, weights

SECONDS = 10  # patience with the hub
SHORT = 12  # characters of a commit that people read
COMMIT = 40
NOT_YET = "not downloaded yet"

Say = Callable[[str], None]


class Snapshot(NamedTuple):
    """A repository's files at one commit, in the local cache."""

    repository: str
    commit: str
    folder: Path

    @property
    def name(self) -> str:
        """An encoder's name that always means these files."""
        return f"{self.repository}@{self.commit}"

    @property
    def shown(self) -> str:
        return f"{self.repository}@{self.commit[:SHORT]}"


_snapshots: dict[str, Snapshot] = {}  # what a name stands for, for as long as this process runs


def parted(name: str) -> tuple[str, str]:
    """``owner/name@revision`` as repository and revision: a branch, a tag or a commit; ``main`` where none is given."""
    repository, _, revision = name.partition("@")
    return repository, revision or "main"


def cached(name: str) -> Snapshot | None:
    """What the name stands for, if it is whole in the local cache. No network, no downloads."""
    if name not in _snapshots and (snapshot := _look(*parted(name))):
        _snapshots[name] = snapshot
    return _snapshots.get(name)


def bring(name: str, say: Say) -> Snapshot:
    """What the name stands for on the hub now, or in the cache where the hub does not answer; downloaded if need be,
    which is said. Once a process. ``EncoderError``."""
    if name not in _snapshots:
        _snapshots[name] = _bring(name, say)
    return _snapshots[name]


def snapshot(name: str) -> Snapshot:
    """From the cache where it is there, else from the hub. ``EncoderError``."""
    return cached(name) or bring(name, lambda text: None)


def _look(repository: str, revision: str) -> Snapshot | None:
    """What the cache has whole."""
    folder = place(repository, revision)
    if folder is None:
        return None
    try:
        names = {part.name for part in parts(folder)}
        whole = bool(weights(folder)) and not names.isdisjoint(VOCABULARY)
    except EncoderError:
        return None
    return Snapshot(repository, folder.name, folder) if whole else None


def place(repository: str, revision: str) -> Path | None:
    """The folder of a revision in the cache, whole or not; it is named by the commit."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(repository, "config.json", revision=revision)
    except (HFValidationError, OSError, ValueError):  # a name that no repository can have
        return None
    return Path(config).parent if isinstance(config, str) else None


def _bring(name: str, say: Say) -> Snapshot:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    repository, revision = parted(name)
    before = _look(repository, revision)
    if before and before.commit == revision:
        return before
    try:
        info = HfApi().model_info(repository, revision=revision, timeout=SECONDS)
        latest = _look(repository, str(info.sha))
        if latest is None:
            say(f"the encoder {name} is downloaded, once")
            latest = download(repository, revision, [entry.rfilename for entry in info.siblings or []])
    except RepositoryNotFoundError:
        raise EncoderError(
            f"there is neither a folder nor a public model on the hub called {repository!r}; check its spelling"
        ) from None
    except RevisionNotFoundError:
        raise EncoderError(f"{repository} on the hub has no revision {revision!r}; check its spelling") from None
    except EncoderError:
        raise
    except Exception as error:  # no network, refused, timed out, not a valid id: all end in the cache or nowhere
        if before is None:
            raise EncoderError(
                f"the encoder {name!r} is not a folder, is not in the local cache and cannot be had from the hub "
                f"({reason(error)}); connect to the network or give a folder"
            ) from None
        return before
    if before and identity(before.folder) != identity(latest.folder):
        message = f"the encoder {name} was changed on the hub: it is {latest.shown} now, and was {before.shown}"
        say(f"{message}; --encoder {before.name} stays with that")
    return latest


def download(repository: str, revision: str, files: list[str]) -> Snapshot:
    """A revision's settings, vocabulary and weights: of the repository's ``files``, those that ``load`` reads.
    Safetensors where there are any, else .bin. ``EncoderError`` for an index that cannot be used."""
    from huggingface_hub import snapshot_download

    def get(at: str, names: set[str]) -> Path:
        patience: dict[str, Any] = {"etag_timeout": SECONDS}
        return Path(snapshot_download(repository, revision=at, allow_patterns=sorted(names), **patience))

    small = {file for file in files if file in (*SETTINGS, *VOCABULARY)}
    first = next((name for name in WEIGHTS if name in files), None)
    if first is None or not first.endswith(INDEX):
        folder = get(revision, small | ({first} if first else set()))
        return Snapshot(repository, folder.name, folder)
    folder = get(revision, small | {first})
    folder = get(folder.name, set(names_of(folder / first)))
    return Snapshot(repository, folder.name, folder)
