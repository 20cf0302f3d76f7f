"""What a worker does with one cell: build, train, and keep everything in the cell's folder. Imports torch."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
import resource
import shutil
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.cell import Cell, Keep, write_aside
from harness.sources import open_data
from model.batching import TokenTable, tokenise
from model.data.examples import Corpus, Examples, Split
from model.data.reviews import Reviews, reviews
from model.encoders.base import Derived
from model.encoders.pretrained import DomainPretrained
from model.encoders.tiny import Tiny
from model.network import Network
from model.recipe import Branch, versions
from model.seams import Encoder
from model.technique import describe, flatten
from model.training import Epoch, Run, Tick, train

Progress = Callable[[float], None]


def prepared(encoder: Encoder, source: str, home: Path, progress: Progress | None = None) -> Encoder:
    """An encoder that needs no preparation: tiny and domain-pretrained ones are made once and cached in the home."""
    tell = progress or (lambda share: None)
    if isinstance(encoder, Tiny):
        from model.encoders.bert import Bert
        from model.encoders.tiny import prepare

        return Bert(name=str(prepare(encoder, home / "encoders", lambda done, total: tell(done / total))))
    if isinstance(encoder, DomainPretrained):
        from model.encoders.bert import Bert
        from model.encoders.pretrained import prepare as pretrain

        start = dataclasses.replace(encoder, start=prepared(encoder.start, source, home, progress))
        return Bert(name=str(pretrain(start, domain_text(encoder, source), home / "encoders", 0)))
    if isinstance(encoder, Derived):
        return dataclasses.replace(encoder, start=prepared(encoder.start, source, home, progress))
    return encoder


def domain_text(encoder: DomainPretrained, source: str) -> list[str]:
    """The lines to pre-train on: a file's, or the data's own."""
    if encoder.text != "domain":
        return Path(encoder.text).expanduser().read_text(encoding="utf-8").splitlines()
    return list(open_data(source).text)


def training_examples(corpus: Corpus, branch: Branch) -> Examples:
    """The rows a branch trains on: its share of the training set, then its extra sources."""
    main = corpus.splits[branch.key, "train"].first(branch.rows)
    for source in branch.extra:
        if isinstance(source, Reviews):
            more = reviews(source, corpus)
            main = dataclasses.replace(
                main,
                ids=main.ids + more.ids,
                texts=main.texts + more.texts,
                labels=np.concatenate((main.labels, more.labels)),
            )
    return main


def scored_examples(cell: Cell, corpus: Corpus, branch: Branch) -> dict[str, Examples]:
    """The rows to score by split. Test only where it has labels; the training sample is fixed."""
    task = branch.key
    sets = {"train": corpus.splits[task, "train"].first(branch.rows).first(cell.training_sample)}
    splits: tuple[Split, ...] = ("dev", "test")
    for split in splits:
        examples = corpus.get(task, split)
        if examples is not None and examples.labelled:
            sets[split] = examples.first(cell.scored.get(task))
    return sets


class Worker:
    """Trains cells one after another; tokenised rows are shared between those that need the same."""

    def __init__(self, home: Path, threads: int, device: str) -> None:
        torch.set_num_threads(threads)
        self.home, self.threads, self.device = home, threads, device
        self._tables: dict[tuple[Any, ...], TokenTable] = {}

    def train(self, cell: Cell, keep: Keep, tell: Progress) -> None:
        """Train the cell and leave its folder finished: cell.json, journal.jsonl, predictions.npz, outcome.json."""
        folder = self.home / "cells" / cell.id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        began = time.perf_counter()
        write_aside(folder / "cell.json", json.dumps(self.about(cell), indent=1))
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always", UserWarning)
            run, sets = self.build(cell)
            answers, totals = self.follow(run, Weights(folder / "weights", run, keep), folder / "journal.jsonl", tell)
        write_aside(folder / "predictions.npz", packed(answers, sets))
        outcome = {
            "status": "done",
            "seconds": time.perf_counter() - began,
            "peak_memory_bytes": torch.cuda.max_memory_allocated() if self.device == "cuda" else usage_bytes(),
            "warnings": sorted({str(warning.message) for warning in raised}),
            "fresh": list(getattr(run.network.encoder, "new_parameters", ())),  # what the checkpoint lacked
        }
        write_aside(folder / "outcome.json", json.dumps(outcome | totals, indent=1))

    def follow(
        self, run: Run, weights: Weights, journal: Path, tell: Progress
    ) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Train to the end, a journal line an epoch; the answers of every epoch, and seconds and items in all."""
        answers: dict[str, np.ndarray] = {}
        totals = {"training_seconds": 0.0, "scoring_seconds": 0.0, "items": 0.0}
        with journal.open("w", encoding="utf-8") as lines:
            for event in train(run):
                if isinstance(event, Tick):
                    tell((event.epoch + event.share) / max(1, run.recipe.epochs))
                    continue
                weights.after(event)
                lines.write(json.dumps(entry(event)) + "\n")
                lines.flush()
                for name in totals:
                    totals[name] += getattr(event, name)
                answers |= {
                    f"{split}/{task}/{event.number}": scored.answers
                    for (split, task), scored in event.scores.items()
                    if split != "train"
                }
        return answers, totals

    def build(self, cell: Cell) -> tuple[Run, dict[tuple[str, str], Examples]]:
        """The network on the device, with the tables to train on and to score."""
        recipe, corpus = cell.recipe, open_data(cell.source)
        encoder, tokenizer = prepared(recipe.encoder, cell.source, self.home).load(cell.seed)
        network = Network(recipe, encoder, cell.seed).to(self.device)
        config: Any = encoder.config
        longest = min(recipe.max_tokens, config.max_position_embeddings)
        sets: dict[tuple[str, str], Examples] = {}
        tables: dict[tuple[Any, str], TokenTable] = {}
        training = {}
        for branch in recipe.branches:
            cut = (cell.encoder, cell.source, branch.task, branch.pairing.joint, longest)
            if branch.key in recipe.schedule.tasks():
                wanted: tuple[Any, ...] = (*cut, "train", branch.rows, branch.extra)
                training[branch.key] = self.table(wanted, training_examples(corpus, branch), tokenizer)
            for split, examples in scored_examples(cell, corpus, branch).items():
                sets[split, branch.key] = examples
                wanted = (*cut, split, len(examples), "scored")
                tables[split, branch.key] = self.table(wanted, examples, tokenizer)
        return Run(network, recipe, cell.seed, training, tables, self.device), sets

    def table(self, key: tuple[Any, ...], examples: Examples, tokenizer: Any) -> TokenTable:
        """Tokenise, or take what an earlier cell tokenised under the same key (encoder, source, task, joint, most
        tokens, and which rows)."""
        if key not in self._tables:
            self._tables[key] = tokenise(examples, tokenizer, joint=key[3], max_tokens=key[4])
        cut = int((self._tables[key].lengths() >= key[4]).sum())
        if cut:
            where = f"{examples.task.title} {examples.split}"
            warnings.warn(
                f"{cut:,} of {len(examples):,} rows of {where} fill {key[4]} tokens or are cut there", stacklevel=2
            )
        return self._tables[key]

    def about(self, cell: Cell) -> dict[str, Any]:
        """cell.json: everything that defines the cell, for people and for the tracking store."""
        return {
            "id": cell.id,
            "key": cell.key,
            "seed": cell.seed,
            "recipe": describe(cell.recipe),
            "settings": flatten(cell.recipe),
            "versions": versions(cell.recipe),
            "data": dict(cell.data),
            "source": cell.source,
            "encoder": cell.encoder,
            "threads": self.threads,
            "device": self.device if self.device == "cpu" else torch.cuda.get_device_name(),
            "torch": torch.__version__,
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }


class Weights:
    """Keeps the network's state after the epochs that are wanted, ``weights/epoch-N.safetensors``, and drops those
    that a later epoch outdid."""

    def __init__(self, folder: Path, run: Run, keep: Keep) -> None:
        self.folder, self.run, self.keep = folder, run, keep
        self.numbers: list[int] = []
        self.dev: list[dict[str, float | None]] = []

    def after(self, epoch: Epoch) -> None:
        """Called after every epoch."""
        from safetensors.torch import save_file

        self.numbers.append(epoch.number)
        self.dev.append({s.task.metric_name: s.metric for (split, _), s in epoch.scores.items() if split == "dev"})
        wanted = {self.numbers[at] for at in self.keep.epochs(self.dev)}
        if epoch.number in wanted:
            self.folder.mkdir(exist_ok=True)
            state = {name: tensor.cpu().contiguous() for name, tensor in self.run.network.state_dict().items()}
            save_file(state, self.folder / f"epoch-{epoch.number}.safetensors")
        for number in set(self.numbers) - wanted:
            (self.folder / f"epoch-{number}.safetensors").unlink(missing_ok=True)


def entry(epoch: Epoch) -> dict[str, Any]:
    """One line of the journal."""
    scores: dict[str, dict[str, float | None]] = {}
    for (split, _), scored in epoch.scores.items():
        scores.setdefault(split, {})[scored.task.metric_name] = scored.metric
    return {
        "epoch": epoch.number,
        "scores": scores,
        "signals": dict(epoch.signals),
        "training_seconds": epoch.training_seconds,
        "scoring_seconds": epoch.scoring_seconds,
        "items": epoch.items,
    }


def packed(answers: Mapping[str, np.ndarray], sets: Mapping[tuple[str, str], Examples]) -> bytes:
    """Answers of every epoch with the ids and labels they belong to, as one compressed .npz without objects."""
    arrays = dict(answers)
    for (split, task), examples in sets.items():
        if split != "train":
            arrays[f"{split}/{task}/ids"] = np.array(examples.ids, dtype=np.str_)
            arrays[f"{split}/{task}/labels"] = examples.labels
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def usage_bytes() -> int:
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
