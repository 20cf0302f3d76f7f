"""What keeping a cell costs beside training it: journal, checkpoints, predictions, claim and progress.

``python -m benchmarks.overhead`` trains one cell at the small profile's scale (generated sentences, a BERT of 6 layers
of 384 numbers with random weights) as a worker does, and counts the time inside the training loop apart from the rest.
One run holds both sides of the ratio, so a busy machine disturbs both alike.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers

import harness.execute.work as work
from experiments.profiles import PROFILES
from harness.catalogue import find
from harness.cell import Keep, read
from harness.claims import claim
from harness.plan import Setup, plan

BOUND = 1.02
INTERVAL = 60.0  # seconds between checkpoints, the default


def encoder(folder: Path) -> Path:
    """A BERT of MiniLM's shape with random weights and the embedded data's vocabulary."""
    from model.data.embedded import embedded
    from model.encoders.tiny import known_text, vocabulary

    torch.manual_seed(0)
    words = vocabulary(known_text(embedded()))
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    config = transformers.BertConfig(
        vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def main(threads: int = 2) -> int:
    inside = 0.0
    train = work.train

    def timed(*words: Any) -> Iterator[Any]:
        nonlocal inside
        events = train(*words)
        while True:
            began = time.perf_counter()
            event = next(events, None)
            inside += time.perf_counter() - began
            if event is None:
                return
            yield event

    work.train = timed  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        small = dataclasses.replace(PROFILES["small"], threads=threads)
        setup = Setup(profile=small, data="embedded", encoder=str(encoder(home / "encoder")), seeds=1)
        (planned,) = plan([find("bertram/table1/04-all-three")], setup)
        cell = planned.cells[0]
        worker = work.Worker(home, threads, "cpu", INTERVAL, lambda: False)
        held = claim(home, cell.id)
        assert held is not None
        with held:
            keeping, saves = work.Keeping.checkpoint, []

            def counted(self: Any, *given: Any) -> None:
                began = time.perf_counter()
                keeping(self, *given)
                saves.append(time.perf_counter() - began)

            work.Keeping.checkpoint = counted  # type: ignore[method-assign]
            made = worker.build
            ready = 0.0

            def built(*given: Any) -> Any:
                nonlocal ready
                run = made(*given)
                ready = time.perf_counter()
                return run

            worker.build = built  # type: ignore[method-assign]
            worker.train(cell, Keep(), held, lambda share: None)
            whole = time.perf_counter() - ready
        record = read(home / "cells" / cell.id)
        assert record is not None and record.done
        ratio = whole / inside
        told = f"training {inside:.1f} s, with all that keeps it {whole:.1f} s; {len(saves)} checkpoints took {sum(saves):.2f} s"
        print(told)
        print(f"harness over the bare loop: {ratio:.4f} (at most {BOUND})")
    return 0 if ratio <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
