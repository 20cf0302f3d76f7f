"""What keeping a cell costs beside training it: journal, checkpoints, predictions, claim and progress.

``python -m benchmarks.overhead [--data FOLDER] [--encoder FOLDER]`` trains one cell of the small profile as a worker
does, and counts the time inside the training loop apart from the rest: both sides of the ratio are of one run, so a
busy machine disturbs both alike. Without options the data are the embedded sentences, and the encoder is a BERT of 6
layers of 384 numbers with random weights.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness.execute.work as work
from experiments.profiles import PROFILES
from harness.catalogue import find
from harness.cell import Keep, read
from harness.claims import claim
from harness.execute.keeping import Keeping
from harness.plan import Setup, plan

BOUND = 1.02
INTERVAL = 60.0  # seconds between checkpoints, the default


class Clock:
    """Seconds spent in calls, and how many they were."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def timed(self, function: Any) -> Any:
        """The function, on this clock."""

        def call(*given: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*given)
            finally:
                self.seconds += time.perf_counter() - began
                self.calls += 1

        return call


def encoder(folder: Path) -> Path:
    """A BERT of MiniLM's shape with random weights and the embedded data's vocabulary."""
    import torch
    import transformers

    from model.data.embedded import embedded
    from model.encoders.tiny import known_text, vocabulary

    torch.manual_seed(0)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary(known_text(embedded()))) + "\n")
    config = transformers.BertConfig(
        vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", default="embedded")
    asked.add_argument("--encoder")
    asked.add_argument("--epochs", default="6")
    asked.add_argument("--threads", type=int, default=2)
    given = asked.parse_args()
    loop, writing, building = Clock(), Clock(), Clock()
    train = work.train

    def events(*words: Any) -> Iterator[Any]:
        made = train(*words)
        step = loop.timed(lambda: next(made, None))
        while (event := step()) is not None:
            yield event

    work.train = events
    Keeping.checkpoint = writing.timed(Keeping.checkpoint)  # type: ignore[method-assign]
    work.Worker.build = building.timed(work.Worker.build)  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        setup = Setup(
            profile=dataclasses.replace(PROFILES["small"], threads=given.threads),
            data=given.data,
            encoder=given.encoder or str(encoder(home / "encoder")),
            seeds=1,
            settings=(("epochs", given.epochs),),
        )
        (planned,) = plan([find("bertram/table1/04-all-three")], setup)
        cell = planned.cells[0]
        worker = work.Worker(home, given.threads, "cpu", INTERVAL, lambda: False)
        held = claim(home, cell.id)
        assert held is not None
        began = time.perf_counter()
        with held:
            worker.train(cell, Keep(), held, lambda share: None)
        whole = time.perf_counter() - began - building.seconds
        record = read(home / "cells" / cell.id)
        assert record is not None and record.done
    ratio = whole / loop.seconds
    print(f"bare loop {loop.seconds:.1f} s, with its keeping {whole:.1f} s")
    print(f"{writing.calls} checkpoints took {writing.seconds:.2f} s")
    print(f"harness over the bare loop: {ratio:.4f} (at most {BOUND})")
    return 0 if ratio <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
