"""SMART's smoothness-inducing adversarial regularization."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from model.seams import Regularizer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Smart(Regularizer):
    """The answer should not change when the embeddings move a little in the worst direction (Jiang et al. 2020, arXiv
    1911.03437, equation 1). ``weight`` is lambda_s."""

    slug: ClassVar[str] = "smart"
    built: ClassVar[bool] = False
    radius: float = 1e-5  # epsilon
    step_size: float = 1e-3  # eta
    noise_scale: float = 1e-5  # sigma, a standard deviation
    steps: int = 1  # K
    norm: Literal["inf", "2"] = "inf"  # p
    normalise: Literal["gradient", "step"] = "gradient"  # "step": the packages' noise + eta g
    axis: Literal["example", "token", "batch"] = "example"
    project: bool = True
    level: Literal["word", "embedding_output"] = "word"
    ascent: Literal["same", "kl"] = "same"  # the divergence climbed: the final one, or one-sided KL
    divergence: Literal["auto", "kl"] = "auto"  # the divergence penalised
    reduction: Literal["mean", "sum"] = "mean"
    detach_target: bool = False
    dropout: Literal["same", "fresh", "off"] = "same"
    mask_of_ones: bool = False  # smartbert
