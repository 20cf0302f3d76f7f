"""The encoder: its settings, vocabulary and weights, as far as they can be told without loading them."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path

from harness.doctor import devices
from harness.doctor.finding import Asked, Told, broken, gigabytes, mind, sound
from model.encoders import hub
from model.encoders.bert import Bert
from model.encoders.files import weights
from model.encoders.loading import EncoderError, check_folder, is_folder

TINY = "tiny"
LAYER = re.compile(r"encoder\.layer\.(\d+)\.")
VECTORS = "embeddings.word_embeddings.weight"
CONVERT = "load it with transformers and save_pretrained it anew, which writes model.safetensors"


def encoder(asked: Asked) -> Told:
    """The run's encoder: a folder, a hub id, or the demo's own. ``EncoderError``."""
    name = asked.encoder
    if name == TINY:
        return own(asked.home)
    if is_folder(name):
        return examined(Path(os.path.expanduser(name)), name)
    return cached(name)


def own(home: Path) -> Told:
    """The demo's, which is made in the home."""
    made = sorted(home.glob("encoders/tiny-*/"))
    for folder in made:
        try:
            check_folder(folder, (Bert.slug,))
        except EncoderError as error:
            return mind(str(error).rpartition("; ")[0] or str(error), "nothing: the next run makes it again")
    return sound(f"tiny: {'made in the home' if made else 'the first run makes it, in less than a minute'}")


def examined(folder: Path, name: str) -> Told:
    """A folder's files. ``EncoderError``."""
    check_folder(folder, (Bert.slug,))
    config = json.loads((folder / "config.json").read_bytes())
    files = [path for path in weights(folder) if path.suffix == ".safetensors"]
    if files:
        return in_words(name, files, int(config.get("num_hidden_layers", 12)))
    pickled = sorted(folder.glob("pytorch_model*.bin"))
    return of_pickle(pickled[0], name)


def in_words(name: str, files: list[Path], layers: int) -> Told:
    """What the headers say of the weights."""
    from safetensors import safe_open

    shapes: dict[str, list[int]] = {}
    for file in files:
        with safe_open(file, framework="numpy") as stored:
            shapes |= {key: stored.get_slice(key).get_shape() for key in stored.keys()}  # noqa: SIM118
    vectors = next((shape for key, shape in shapes.items() if key.endswith(VECTORS)), None)
    there = {int(found[1]) for key in shapes if (found := LAYER.search(key))}
    if vectors is None or there != set(range(layers)):
        says = f"the weights of {name} have {len(there)} layers{'' if vectors else ' and no word vectors'}"
        return broken(f"{says}, but its config.json says {layers}", "put the encoder's own model.safetensors there")
    numbers = sum(math.prod(shape) for shape in shapes.values())
    size = sum(file.stat().st_size for file in files)
    return sound(
        f"{name}: {layers} layers of {vectors[-1]}, {vectors[0]:,} word vectors, {numbers / 1e6:,.1f} million numbers "
        f"({gigabytes(size)} of safetensors)"
    )


def of_pickle(file: Path, name: str) -> Told:
    """Weights as a pickle alone: what it names is listed, never run."""
    try:
        found = devices.asked_apart("weights", str(file.resolve()))
    except devices.NoTorch as error:
        return broken(f"{file} is damaged, or PyTorch is ({error})", "fetch it again, or mend torch first")
    if found["names"]:
        first = str(found["names"][0])[:60]
        return broken(
            f"{file} holds more than weights ({first}), so it is not read: it could run code",
            "give an encoder with model.safetensors",
        )
    told = " in PyTorch's oldest format, which only training reads" if found["old"] else ""
    return mind(f"{name}: weights as a .bin alone{told}; it is read as weights only", CONVERT)


def cached(name: str) -> Told:
    """A hub id: what of it is in the local cache."""
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    tell = broken if constants.HF_HUB_OFFLINE else mind
    why = ", and HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else ""
    mend = "the first run downloads it; without a network, copy its folder here and give that as --encoder FOLDER"
    if constants.HF_HUB_OFFLINE:
        mend = "unset HF_HUB_OFFLINE, or copy its folder here and give that as --encoder FOLDER"
    try:
        try_to_load_from_cache(hub.parted(name)[0], "config.json")
    except HFValidationError:
        return broken(f"{name!r} is neither a folder nor an id of the hub (OWNER/NAME)", "correct --encoder")
    folder = hub.place(*hub.parted(name))
    if folder is None:
        return tell(f"{name} is not in the local cache{why}", mend)
    try:
        return examined(folder, f"{name}, commit {folder.name[: hub.SHORT]}")
    except EncoderError as error:
        return tell(f"{name} is not whole in the local cache{why}: {str(error).rpartition('; ')[0] or error}", mend)
