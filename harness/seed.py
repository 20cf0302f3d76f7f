"""One training as reports read it, made of the tags and metrics that a tracking store has of it or would have."""

from __future__ import annotations

from collections.abc import Mapping

from harness.holding import TOTALS
from reports.evidence import Seed

ABOUT = (
    *("digest", "trained", "alarm", "threads", "device", "torch", "warnings", "fresh"),
    *("version", "revision", "dirty", "split"),
)
REPORTED, TRAIN, HEALTH = "reported/", "reported_train/", "health/"


def seed_of(
    run: str, tags: Mapping[str, str], metrics: Mapping[str, float], done: bool, data: Mapping[str, str]
) -> Seed:
    """``metrics`` have their last values."""

    def under(prefix: str) -> dict[str, float]:
        return {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}

    reported = under(REPORTED)
    return Seed(
        seed=int(tags["seed"]),
        run=run,
        cell=tags["cell"],
        done=done,
        reason=tags.get("reason", ""),
        epoch=int(reported.pop("epoch", 0)),
        scores=reported,
        train=under(TRAIN),
        totals={name: metrics[name] for name in TOTALS if name in metrics},
        health=under(HEALTH),
        about={name: tags[name] for name in ABOUT if tags.get(name)}
        | {name: value for name, value in tags.items() if name.startswith("package/")},
        data=data,
    )
