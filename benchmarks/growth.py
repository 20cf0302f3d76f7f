"""The cost of ten times the rows: items a second, and memory.

Quora's training rows, a number of them and the same ten times over (each text a string of its own), so that lengths
are alike; an encoder so small that the data count. A process tokenises and stores the arrays; another, which
never saw a text, loads them and trains the same number of updates on either. Its memory is the peak while training
less what was resident before loading; the ratio is that peak's growth over the growth of the token arrays. An epoch's
order (8 bytes a row) is part of the peak and not of the arrays. The facts have what building took: seconds, and the
memory that the texts and tokenising take (the peak falls away with the process).
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.apart import answer, apart, forget_peak, peak, resident
from benchmarks.material import SINGLE_TASK, rows
from benchmarks.ratio import Bound, Figure, alternate, ratios
from benchmarks.settings import Settings
from benchmarks.shapes import TINY, encoder
from harness.execution.local import worker_environment
from model.batching import TokenTable, tokenise
from model.encoders.loading import load
from model.network import Network
from model.run import Run
from model.train import train

SPEED = Bound("items/s at 10x the rows", "the same at 1x", "at least", 0.95)
MEMORY = Bound("memory growth at 10x the rows", "the token arrays' growth", "at most", 1.15)
BOUNDS = (SPEED, MEMORY)
ROWS, TIMES, UPDATES, WARM_UP, ROUNDS = 40_000, 10, 1500, 100, 6
ARRAYS = ("flat", "starts", "second", "labels")


def measure(settings: Settings) -> list[Figure]:
    """Tables are built once a size and trained on in turn."""
    base, updates = settings.count(ROWS, 200), settings.count(UPDATES, 10)
    call = {
        **settings.job(),
        "updates": updates,
        "warm_up": settings.count(WARM_UP),
        "encoder": str(encoder(settings.shape(TINY), settings.data, settings.scratch)),
    }
    environment = worker_environment(settings.threads)
    built: dict[str, dict[str, Any]] = {}
    trained: dict[str, list[dict[str, Any]]] = {"1x": [], "10x": []}
    for name, factor in (("1x", 1), ("10x", TIMES)):
        job = call | {"work": "build", "rows": base, "times": factor, "file": str(settings.scratch / f"{name}.npz")}
        built[name] = apart("growth", job, environment, settings.scratch)
        settings.report(f"{name}: {base * factor} rows tokenised in {built[name]['seconds']:.1f} s")

    def rate(name: str) -> float:
        job = call | {"work": "train", "file": str(settings.scratch / f"{name}.npz")}
        trained[name].append(apart("growth", job, environment, settings.scratch))
        return float(trained[name][-1]["items"] / trained[name][-1]["seconds"])

    contenders = {"1x": lambda: rate("1x"), "10x": lambda: rate("10x")}
    by_contender = alternate(contenders, settings.count(ROUNDS), report=settings.report)
    arrays = built["10x"]["arrays"] - built["1x"]["arrays"]
    grown = [large["grown"] - small["grown"] for small, large in zip(trained["1x"], trained["10x"], strict=True)]
    facts = {"items a second": by_contender, "built": built, "trained": trained, "shape": settings.shape(TINY).name}
    return [
        Figure(SPEED, ratios(by_contender["10x"], by_contender["1x"]), facts),
        Figure(MEMORY, tuple(growth / arrays for growth in grown), facts),
    ]


def work(job: dict[str, Any]) -> dict[str, Any]:
    return build(job) if job["work"] == "build" else trained(job)


def build(job: dict[str, Any]) -> dict[str, Any]:
    """Bytes of the texts held, of the token arrays, and of tokenising at its peak; seconds of it."""
    recipe = SINGLE_TASK["quora"]
    _, tokenizer = load(job["encoder"], 0)
    examples = rows(job["data"], "quora", "train", job["rows"])
    gc.collect()
    before = resident()
    many = examples.take(np.tile(np.arange(len(examples)), job["times"]))
    own = tuple(tuple(text.encode().decode() for text in texts) for texts in many.texts)
    many = dataclasses.replace(many, texts=own)
    texts = resident() - before
    forget_peak()
    before, began = resident(), time.monotonic()
    table = tokenise(many, tokenizer, joint=True, max_tokens=recipe.max_tokens)
    seconds, top = time.monotonic() - began, peak() - before
    arrays = {name: getattr(table, name) for name in ARRAYS}
    np.savez(job["file"], **arrays)
    return {
        "rows": len(table),
        "texts": texts,
        "tokenising": top,
        "arrays": sum(array.nbytes for array in arrays.values()),
        "seconds": seconds,
    }


def trained(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds of some updates on a table, and bytes that they and it take at the peak. A short training before them
    warms the process up on a few rows of its own."""
    import torch

    torch.set_num_threads(job["threads"])
    recipe = SINGLE_TASK["quora"]
    built, tokenizer = load(job["encoder"], 0)
    network = Network(recipe, built, 0)
    warm_up = tokenise(
        rows(job["data"], "quora", "train", job["warm_up"] * recipe.batch),
        tokenizer,
        joint=True,
        max_tokens=recipe.max_tokens,
    )
    for _ in itertools.islice(train(Run(network, recipe, 0, {"quora": warm_up}, {})), job["warm_up"]):
        pass
    gc.collect()
    forget_peak()
    before = resident()
    with np.load(Path(job["file"])) as stored:
        arrays = {name: stored[name] for name in ARRAYS}
    table = TokenTable(task="quora", separate=False, pad=tokenizer.pad_token_id, **arrays)
    began = time.monotonic()
    for _ in itertools.islice(train(Run(network, recipe, 0, {"quora": table}, {})), job["updates"]):
        pass
    seconds = time.monotonic() - began
    return {"seconds": seconds, "items": job["updates"] * recipe.batch, "grown": peak() - before}


if __name__ == "__main__":
    answer(work)
