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
from harness.cells.cell import WeightRetention
from harness.cells.checkpoint import FILE_NAME, load_checkpoint, save_checkpoint
from harness.cells.kept_weights import checksum_path, weights_path, write_checksum
from harness.cells.lease import Lease
from harness.cells.record import file_checksums, timestamp
from model.data.examples import Examples
from model.run import Run
from model.snapshot import Snapshot
from model.train import Epoch, Take

TOTALS = ("training_seconds", "scoring_seconds", "items")


class CellWriter:
    """The folder of one cell in training. A checkpoint holds whatever else is needed to go on (journal entries,
    answers), so that it alone decides where the training stands."""

    def __init__(self, folder: Path, lease: Lease, keep: WeightRetention, interval: float) -> None:
        self.folder, self.lease, self.keep, self.interval = folder, lease, keep, interval
        self.entries: list[dict[str, Any]] = []
        self.answers: dict[str, np.ndarray] = {}
        self.notes: list[str] = []  # what a reader of the result should know
        self.spent = 0.0  # seconds before this process took over
        self.cpu_seconds = -time.process_time()  # CPU-seconds since the last epoch ended, less this process's now
        self.began = self.saved = time.monotonic()

    def begin(self, metadata: Mapping[str, Any]) -> Snapshot | None:
        """Take up what an interrupted training left, or clear the folder and start anew (None)."""
        (self.folder / "outcome.json").unlink(missing_ok=True)
        for leftover in (*self.folder.rglob("*.part"), *self.folder.rglob(".tmp*")):  # ours and safetensors
            leftover.unlink()  # of a process that was killed
        try:
            checkpoint = load_checkpoint(self.folder / FILE_NAME)
        except Damaged as damage:
            self.notes.append(f"{damage}; trained from the start")
            checkpoint = None
        if checkpoint is not None:
            tensors, state = checkpoint
            if not self.lacks_weights(state["entries"]):
                return self.resume(tensors, state, metadata)
            self.notes.append("weights to be kept were not; trained from the start")
        self.clear()
        write_atomic(self.folder / "cell.json", checksummed(metadata))
        return None

    def resume(self, tensors: dict[str, torch.Tensor], state: dict[str, Any], metadata: Mapping[str, Any]) -> Snapshot:
        """The snapshot in a checkpoint; the folder as it was then."""
        self.entries, self.spent = state["entries"], state["spent"]
        self.cpu_seconds += state.get("computed", 0.0)
        self.notes += state["notes"]
        differing = [name for name in ("threads", "device", "torch") if state["about"][name] != metadata[name]]
        for name in differing:
            change = f"{name} {metadata[name]} after {state['about'][name]}"
            self.notes.append(f"went on with {change}: not comparable to the last bit")
        write_atomic(self.folder / "cell.json", checksummed(state["about"]))
        self.rewrite_journal()
        for name in [name for name in tensors if name.startswith("answers/")]:
            self.answers[name.removeprefix("answers/")] = tensors.pop(name).numpy()
        return Snapshot(tensors, state["position"])

    def rewrite_journal(self) -> None:
        """The journal as it must be, whatever else was written there."""
        write_atomic(self.folder / "journal.jsonl", "".join(checksummed(entry) + "\n" for entry in self.entries))

    def delete_checkpoint(self) -> None:
        """Have no checkpoint: what it led to would only come again."""
        (self.folder / FILE_NAME).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove everything but the lease."""
        for path in self.folder.iterdir():
            if path != self.lease.path:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def epoch(self, run: Run, event: Epoch) -> None:
        """After an epoch: its weights if they are to be kept, then its line in the journal."""
        self.lease.check()
        self.entries.append(journal_entry(event) | {"cpu_seconds": self.cpu_seconds + time.process_time()})
        self.cpu_seconds = -time.process_time()
        self.answers |= {
            f"{split}/{task}/{event.number}": scored.answers
            for (split, task), scored in event.scores.items()
            if split != "train"
        }
        self.save_weights(run)
        append_line(self.folder / "journal.jsonl", checksummed(self.entries[-1]))

    def epochs_to_keep(self, entries: list[dict[str, Any]]) -> set[int]:
        """The epochs whose weights are to be kept, seen from these entries."""
        return {entries[at]["epoch"] for at in self.keep.epochs([each["scores"].get("dev", {}) for each in entries])}

    def lacks_weights(self, entries: list[dict[str, Any]]) -> bool:
        return bool(entries) and any(not self.weights_path(number).is_file() for number in self.epochs_to_keep(entries))

    def weights_path(self, number: int) -> Path:
        return weights_path(self.folder, number)

    def save_weights(self, run: Run) -> None:
        """Keep the network's state after the epoch if it is to be kept."""
        wanted, number = self.epochs_to_keep(self.entries), self.entries[-1]["epoch"]
        if number in wanted:
            self.weights_path(number).parent.mkdir(exist_ok=True)
            weights = {name: tensor.cpu().contiguous() for name, tensor in run.network.state_dict().items()}
            with atomic_path(self.weights_path(number)) as part:
                save_file(weights, part)
                write_checksum(self.weights_path(number), part)

    def delete_outdated_weights(self) -> None:
        """Remove weights that later epochs outdid: only now, since an earlier checkpoint may ask for them."""
        kept = {self.weights_path(number) for number in self.epochs_to_keep(self.entries)} if self.entries else set()
        kept |= set(map(checksum_path, kept))
        for path in (*self.folder.glob("weights/*"), *self.folder.glob("checksums/*")):
            if path not in kept:
                path.unlink()

    def checkpoint_due(self) -> bool:
        """Whether the interval has passed since the last checkpoint."""
        return time.monotonic() - self.saved >= self.interval

    def checkpoint(self, take: Take, metadata: Mapping[str, Any]) -> None:
        """Write one now. A full disk costs the checkpoint, not the training."""
        self.lease.check()
        snapshot = take()
        tensors = dict(snapshot.tensors)
        tensors |= {f"answers/{name}": torch.from_numpy(answers) for name, answers in self.answers.items()}
        state = {
            "position": snapshot.position,
            "entries": self.entries,
            "notes": self.notes,
            "spent": self.seconds(),
            "computed": self.cpu_seconds + time.process_time(),
            "about": dict(metadata),
        }
        try:
            save_checkpoint(self.folder / FILE_NAME, tensors, state)
        except Exception as error:  # safetensors has its own
            if not is_full(error):
                raise
            self.note("the disk was full: no checkpoint could be written")
        else:
            self.delete_outdated_weights()
        self.saved = time.monotonic()

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def seconds(self) -> float:
        """Spent on what the folder holds."""
        return self.spent + time.monotonic() - self.began

    def finish(self, sets: Mapping[tuple[str, str], Examples], more: Mapping[str, Any]) -> None:
        """Predictions and outcome; from here on the cell is done."""
        self.lease.check()
        self.rewrite_journal()
        write_atomic(self.folder / "predictions.npz", pack_predictions(self.answers, sets))
        outcome = {
            "status": "done",
            "epochs": len(self.entries),
            "checks": file_checksums(self.folder),
            "seconds": self.seconds(),
            "ended": timestamp(),
        }
        totals = {name: sum(each[name] for each in self.entries) for name in TOTALS}
        write_atomic(self.folder / "outcome.json", checksummed(outcome | totals | dict(more)))
        self.delete_outdated_weights()
        self.delete_checkpoint()


def journal_entry(epoch: Epoch) -> dict[str, Any]:
    """One line of the journal."""
    scores: dict[str, dict[str, float | None]] = {}
    for (split, _), scored in epoch.scores.items():
        scores.setdefault(split, {})[scored.task.metric_name] = scored.metric
    return {
        "epoch": epoch.number,
        "scores": scores,
        "signals": dict(epoch.signals) | collapse_signals(epoch),
        "training_seconds": epoch.training_seconds,
        "scoring_seconds": epoch.scoring_seconds,
        "items": epoch.items,
    }


def collapse_signals(epoch: Epoch) -> dict[str, float]:
    """1 for each task whose dev answers are all the same."""
    return {
        f"collapsed/{task}": float(np.ptp(scored.answers) == 0)
        for (split, task), scored in epoch.scores.items()
        if split == "dev" and len(scored.answers)
    }


def pack_predictions(answers: Mapping[str, np.ndarray], sets: Mapping[tuple[str, str], Examples]) -> bytes:
    """Answers of every epoch with the ids and labels they belong to, as one compressed .npz without objects."""
    arrays = dict(answers)
    for (split, task), examples in sets.items():
        if split != "train":
            arrays[f"{split}/{task}/ids"] = np.array(examples.ids, dtype=np.str_)
            arrays[f"{split}/{task}/labels"] = examples.labels
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()
