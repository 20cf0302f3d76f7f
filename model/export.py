"""A trained network as a folder: an encoder that transformers loads, and beside it the heads."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from model import manifest
from model.encoders.loading import EncoderError, save
from model.kernels import packed_bert
from model.network import Network
from model.recipe import Branch
from model.settings import describe, flatten

HEADS, ABOUT = "heads.safetensors", "heads.json"
ELSE = "harness predict answers with it"


def export(network: Network, tokenizer: Any, folder: Path) -> Path:
    """Write config.json, model.safetensors and the tokenizer's files, which ``AutoModel.from_pretrained`` and our
    encoders read, heads.safetensors, heads.json with every branch's settings and the head dropout, and last the
    checksums of all of them.

    The folder is written aside and renamed. ``EncoderError`` if it exists and is not empty, or if the encoder is one of
    one's own that would be loaded as another. AutoModel leaves out what its DebertaModel does not have: the pooler, and
    positions in the last layer; ``Deberta(name=folder)`` has both.
    """
    from safetensors.torch import save_file

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EncoderError(f"{folder} exists and is not an empty folder; name another to export to")
    aside = folder.with_name(f".{folder.name}-{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        if not hasattr(network.encoder, "save_pretrained"):
            raise EncoderError(
                f"the encoder is a {type(network.encoder).__name__}, which transformers cannot save; {ELSE}"
            )
        save(network.encoder, tokenizer, aside)
        if not (stock(network.encoder) or loads_as_it_is(network.encoder, aside)):
            what = f"the encoder is a {type(network.encoder).__name__} of its own kind or with parts of its own"
            raise EncoderError(
                f"{what}; transformers would load it with other pooled states, so it is not exported; {ELSE}"
            )
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.heads.state_dict().items()}
        save_file(weights, aside / HEADS)
        about = {"dropout": network.recipe.dropout, "branches": {key: _about(network, key) for key in network.branches}}
        (aside / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        manifest.seal(aside)
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def stock(encoder: Any) -> bool:
    """Whether it is one of ours, or a BERT without exchanged parts or hooks but the network's own."""
    embeddings = encoder.get_submodule("embeddings")
    others = [part for part in encoder.modules() if part is not embeddings]
    plain = packed_bert.packs(encoder) and not packed_bert.hooked(others) and len(embeddings._forward_hooks) <= 1
    return plain or type(encoder).__module__.partition(".")[0] == "model"


def loads_as_it_is(encoder: Any, folder: Path) -> bool:
    """Whether what transformers makes of the folder has the encoder's pooled states, tried on two short rows."""
    import torch
    from transformers import AutoModel

    training, device = encoder.training, next(encoder.parameters()).device
    other = AutoModel.from_pretrained(folder, trust_remote_code=False, local_files_only=True).to(device).eval()
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]], device=device) % encoder.config.vocab_size
    rows = {"input_ids": ids, "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]], device=device)}
    with torch.no_grad():
        ours, theirs = encoder.eval()(**rows).pooler_output, getattr(other(**rows), "pooler_output", None)
    encoder.train(training)
    return theirs is not None and theirs.shape == ours.shape and bool(torch.allclose(theirs, ours, atol=1e-4))


def load_heads(network: Network, folder: Path) -> None:
    """Read an export's heads into a network with the same branches, to the last bit. ``EncoderError`` where they are
    missing, damaged or another network's."""
    from safetensors.torch import load_file

    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))["branches"]
        weights = load_file(folder / HEADS)
    except Exception as error:  # OSError, ValueError, KeyError, SafetensorError
        raise EncoderError(f"{folder} is not an export with {HEADS} and {ABOUT}: {error}") from None
    if message := manifest.damage(folder, (HEADS, ABOUT)):
        raise EncoderError(f"{message}; export it again")
    for key, branch in network.branches.items():
        if key not in about or about[key]["architecture"] != _architecture(branch):
            raise EncoderError(f"{folder} has no {key} head of this kind; its heads.json says what it holds")
    own = network.heads.state_dict()
    wanted = {name: tensor for name, tensor in weights.items() if name.partition(".")[0] in network.branches}
    if {name: tensor.shape for name, tensor in wanted.items()} != {name: tensor.shape for name, tensor in own.items()}:
        raise EncoderError(f"the heads in {folder} have other sizes than this network's; is its encoder the same?")
    network.heads.load_state_dict(wanted)


def _about(network: Network, key: str) -> dict[str, Any]:
    branch = network.branches[key]
    return {
        "outputs": branch.objective.outputs(branch.task),
        "architecture": _architecture(branch),
        "settings": flatten(branch),
    }


def _architecture(branch: Branch) -> dict[str, Any]:
    """What decides the shape and the meaning of a head's weights; how it was trained does not."""
    return {name: describe(getattr(branch, name)) for name in ("pairing", "head", "objective")}
