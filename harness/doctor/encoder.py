"""The encoder: its settings, vocabulary and weights, as far as they can be checked without loading them."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path

from harness.doctor import devices
from harness.doctor.finding import Context, Finding, error, gigabytes, ok, warning
from model.encoders import hub
from model.encoders.bert import Bert
from model.encoders.files import weights
from model.encoders.loading import EncoderError, check_folder, is_folder

TINY = "tiny"
LAYER = re.compile(r"encoder\.layer\.(\d+)\.")
VECTORS = "embeddings.word_embeddings.weight"
CONVERT = "load it with transformers and save_pretrained it anew, which writes model.safetensors"


def encoder(context: Context) -> Finding:
    """The run's encoder: a folder, a hub id, or the demo's own. Raises ``EncoderError``."""
    name = context.encoder
    if name == TINY:
        return check_demo_encoder(context.home)
    if is_folder(name):
        return check_files(Path(os.path.expanduser(name)), name)
    return check_cache(name)


def check_demo_encoder(home: Path) -> Finding:
    """Check the demo's encoder, which is made in the results folder."""
    folders = sorted(home.glob("encoders/tiny-*/"))
    for folder in folders:
        try:
            check_folder(folder, (Bert.slug,))
        except EncoderError as exc:
            return warning(str(exc).rpartition("; ")[0] or str(exc), "nothing: the next run makes it again")
    return ok(f"tiny: {'made in the results folder' if folders else 'the first run makes it, in less than a minute'}")


def check_files(folder: Path, name: str) -> Finding:
    """Check a folder's files. Raises ``EncoderError``."""
    check_folder(folder, (Bert.slug,))
    config = json.loads((folder / "config.json").read_bytes())
    files = [path for path in weights(folder) if path.suffix == ".safetensors"]
    if files:
        return check_shapes(name, files, int(config.get("num_hidden_layers", 12)))
    pickled = sorted(folder.glob("pytorch_model*.bin"))
    return check_pickle(pickled[0], name)


def check_shapes(name: str, files: list[Path], layers: int) -> Finding:
    """Check the layers that the files' headers list."""
    from safetensors import safe_open

    shapes: dict[str, list[int]] = {}
    for file in files:
        with safe_open(file, framework="numpy") as stored:
            shapes |= {key: stored.get_slice(key).get_shape() for key in stored.keys()}  # noqa: SIM118
    embedding = next((shape for key, shape in shapes.items() if key.endswith(VECTORS)), None)
    indices = {int(match[1]) for key in shapes if (match := LAYER.search(key))}
    if embedding is None or indices != set(range(layers)):
        says = f"the weights of {name} have {len(indices)} layers{'' if embedding else ' and no word vectors'}"
        return error(f"{says}, but its config.json says {layers}", "put the encoder's own model.safetensors there")
    numbers = sum(math.prod(shape) for shape in shapes.values())
    size = sum(file.stat().st_size for file in files)
    return ok(
        f"{name}: {layers} layers of {embedding[-1]}, {embedding[0]:,} word vectors, "
        f"{numbers / 1e6:,.1f} million numbers ({gigabytes(size)} of safetensors)"
    )


def check_pickle(file: Path, name: str) -> Finding:
    """Check weights that are a pickle alone: its globals are listed, never run."""
    try:
        contents = devices.run_probe("weights", str(file.resolve()))
    except devices.NoTorch as exc:
        return error(f"{file} is damaged, or PyTorch is ({exc})", "fetch it again, or fix torch first")
    if contents["names"]:
        first = str(contents["names"][0])[:60]
        return error(
            f"{file} holds more than weights ({first}), so it is not read: it could run code",
            "give an encoder with model.safetensors",
        )
    old = " in PyTorch's oldest format, which only training reads" if contents["old"] else ""
    return warning(f"{name}: weights as a .bin alone{old}; it is read as weights only", CONVERT)


def check_cache(name: str) -> Finding:
    """Check the files of a hub id in the local cache."""
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if constants.HF_HUB_OFFLINE:
        report, why, remedy = error, ", and HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE, or"
    else:
        report, why, remedy = warning, "", "the first run downloads it; without a network,"
    fix = f"{remedy} copy its folder here and give that as --encoder FOLDER"
    try:
        try_to_load_from_cache(hub.parted(name)[0], "config.json")
    except HFValidationError:
        return error(f"{name!r} is neither a folder nor an id of the hub (OWNER/NAME)", "correct --encoder")
    folder = hub.place(*hub.parted(name))
    if folder is None:
        return report(f"{name} is not in the local cache{why}", fix)
    try:
        return check_files(folder, f"{name}, commit {folder.name[: hub.SHORT]}")
    except EncoderError as exc:
        return report(f"{name} is not whole in the local cache{why}: {str(exc).rpartition('; ')[0] or exc}", fix)
