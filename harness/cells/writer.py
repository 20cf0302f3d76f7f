"""What a cell's folder gets while the cell trains: journal, kept weights, checkpoints; and how to go on from them."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from harness.cells.atomic import Damaged, append_line, atomic_path, checksummed, is_full, write_atomic
from harness.cells.cell import Keep
from harness.cells.checkpoint import NAME, load, save
from harness.cells.kept_weights import checksum, place, seal
from harness.cells.lease import Lease
from harness.cells.record import checks, now
from model.data.examples import Examples
from model.run import Run
from model.snapshot import Snapshot
from model.train import Epoch, Take

TOTALS = ("training_seconds", "scoring_seconds", "items")


class CellWriter:
    """The folder of one cell in training. A checkpoint holds whatever else is needed to go on (journal entries,
    answers), so that it alone decides where the training stands."""

    def __init__(self, folder: Path, claim: Lease, keep: Keep, interval: float) -> None:
        self.folder, self.claim, self.keep, self.interval = folder, claim, keep, interval
        self.entries: list[dict[str, Any]] = []
        self.answers: dict[str, np.ndarray] = {}
        self.notes: list[str] = []  # what a reader of the result should know
        self.spent = 0.0  # seconds before this process took over
        self.computed = -time.process_time()  # CPU-seconds since the last epoch ended, less this process's now
        self.began = self.saved = time.monotonic()

    def begin(self, about: Mapping[str, Any]) -> Snapshot | None:
        """Take up what an interrupted training left, or clear the folder and start anew (None)."""
        (self.folder / "outcome.json").unlink(missing_ok=True)
        for left in (*self.folder.rglob("*.part"), *self.folder.rglob(".tmp*")):  # ours and safetensors
            left.unlink()  # of a process that was killed
        try:
            found = load(self.folder / NAME)
        except Damaged as damage:
            self.notes.append(f"{damage}; trained from the start")
            found = None
        if found is not None:
            tensors, facts = found
            if not self.missing(facts["entries"]):
                return self.resume(tensors, facts, about)
            self.notes.append("weights to be kept were not; trained from the start")
        self.clear()
        write_atomic(self.folder / "cell.json", checksummed(about))
        return None

    def resume(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any], about: Mapping[str, Any]) -> Snapshot:
        """The snapshot in a checkpoint; the folder as it was then."""
        self.entries, self.spent = facts["entries"], facts["spent"]
        self.computed += facts.get("computed", 0.0)
        self.notes += facts["notes"]
        differing = [name for name in ("threads", "device", "torch") if facts["about"][name] != about[name]]
        for name in differing:
            note = f"went on with {name} {about[name]} after {facts['about'][name]}: not comparable to the last bit"
            self.notes.append(note)
        write_atomic(self.folder / "cell.json", checksummed(facts["about"]))
        self.rewrite()
        for name in [name for name in tensors if name.startswith("answers/")]:
            self.answers[name.removeprefix("answers/")] = tensors.pop(name).numpy()
        return Snapshot(tensors, facts["position"])

    def rewrite(self) -> None:
        """The journal as it must be, whatever else was written there."""
        write_atomic(self.folder / "journal.jsonl", "".join(checksummed(entry) + "\n" for entry in self.entries))

    def forget(self) -> None:
        """Have no checkpoint: what it led to would only come again."""
        (self.folder / NAME).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove everything but the claim."""
        for path in self.folder.iterdir():
            if path != self.claim.path:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def epoch(self, run: Run, event: Epoch) -> None:
        """After an epoch: its weights if they are to be kept, then its line in the journal."""
        self.claim.check()
        self.entries.append(entry(event) | {"cpu_seconds": self.computed + time.process_time()})
        self.computed = -time.process_time()
        self.answers |= {
            f"{split}/{task}/{event.number}": scored.answers
            for (split, task), scored in event.scores.items()
            if split != "train"
        }
        self.weights(run)
        append_line(self.folder / "journal.jsonl", checksummed(self.entries[-1]))

    def wanted(self, entries: list[dict[str, Any]]) -> set[int]:
        """The epochs whose weights are to be kept, seen from these entries."""
        return {entries[at]["epoch"] for at in self.keep.epochs([each["scores"].get("dev", {}) for each in entries])}

    def missing(self, entries: list[dict[str, Any]]) -> bool:
        return bool(entries) and any(not self.at(number).is_file() for number in self.wanted(entries))

    def at(self, number: int) -> Path:
        return place(self.folder, number)

    def weights(self, run: Run) -> None:
        """Keep the network's state after the epoch if it is wanted."""
        wanted, number = self.wanted(self.entries), self.entries[-1]["epoch"]
        if number in wanted:
            self.at(number).parent.mkdir(exist_ok=True)
            state = {name: tensor.cpu().contiguous() for name, tensor in run.network.state_dict().items()}
            with atomic_path(self.at(number)) as part:
                save_file(state, part)
                seal(self.at(number), part)

    def drop(self) -> None:
        """Remove weights that later epochs outdid: only now, since an earlier checkpoint may ask for them."""
        kept = {self.at(number) for number in self.wanted(self.entries)} if self.entries else set()
        kept |= set(map(checksum, kept))
        for path in (*self.folder.glob("weights/*"), *self.folder.glob("checksums/*")):
            if path not in kept:
                path.unlink()

    def due(self) -> bool:
        """Whether the interval has passed since the last checkpoint."""
        return time.monotonic() - self.saved >= self.interval

    def checkpoint(self, take: Take, about: Mapping[str, Any]) -> None:
        """Write one now. A full disk costs the checkpoint, not the training."""
        self.claim.check()
        snapshot = take()
        tensors = dict(snapshot.tensors)
        tensors |= {f"answers/{name}": torch.from_numpy(answers) for name, answers in self.answers.items()}
        facts = {
            "position": snapshot.position,
            "entries": self.entries,
            "notes": self.notes,
            "spent": self.seconds(),
            "computed": self.computed + time.process_time(),
            "about": dict(about),
        }
        try:
            save(self.folder / NAME, tensors, facts)
        except Exception as error:  # safetensors has its own
            if not is_full(error):
                raise
            self.note("the disk was full: no checkpoint could be written")
        else:
            self.drop()
        self.saved = time.monotonic()

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def seconds(self) -> float:
        """Spent on what the folder holds."""
        return self.spent + time.monotonic() - self.began

    def finish(self, sets: Mapping[tuple[str, str], Examples], more: Mapping[str, Any]) -> None:
        """Predictions and outcome; from here on the cell is done."""
        self.claim.check()
        self.rewrite()
        write_atomic(self.folder / "predictions.npz", packed(self.answers, sets))
        outcome = {
            "status": "done",
            "epochs": len(self.entries),
            "checks": checks(self.folder),
            "seconds": self.seconds(),
            "ended": now(),
        }
        totals = {name: sum(each[name] for each in self.entries) for name in TOTALS}
        write_atomic(self.folder / "outcome.json", checksummed(outcome | totals | dict(more)))
        self.drop()
        self.forget()


def entry(epoch: Epoch) -> dict[str, Any]:
    """One line of the journal."""
    scores: dict[str, dict[str, float | None]] = {}
    for (split, _), scored in epoch.scores.items():
        scores.setdefault(split, {})[scored.task.metric_name] = scored.metric
    return {
        "epoch": epoch.number,
        "scores": scores,
        "signals": dict(epoch.signals) | collapsed(epoch),
        "training_seconds": epoch.training_seconds,
        "scoring_seconds": epoch.scoring_seconds,
        "items": epoch.items,
    }


def collapsed(epoch: Epoch) -> dict[str, float]:
    """1 for each task whose dev answers are all the same."""
    return {
        f"collapsed/{task}": float(np.ptp(scored.answers) == 0)
        for (split, task), scored in epoch.scores.items()
        if split == "dev" and len(scored.answers)
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
