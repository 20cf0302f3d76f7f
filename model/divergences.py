"""How far two predictions of one item are apart: what SMART, the proximal point and R-Drop penalise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from model.lazy import functional, torch

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["symmetric_kl", "bernoulli_symmetric_kl", "squared"]  # what an objective's prediction means
Form = Literal["auto", "kl", "reverse_kl", "stopped", "log_odds"]
GUARD = 1e-6  # mt-dnn's, against log 0


def divergence(p: Tensor, q: Tensor, kind: Kind, form: Form = "auto") -> Tensor:
    """The divergence of each item, [batch], between predictions ``p`` and ``q``, both [batch, outputs].

    ``kind`` says what the outputs are: logits of classes, logits of yes or no, or scores. With P and Q the
    distributions of ``p`` and ``q``, ``form`` is one of

    - ``auto``: D(P | Q) + D(Q | P) (Jiang et al. 2020, arXiv 1911.03437, section 3.1);
    - ``kl``: D(P | Q) = sum P log(P / Q) alone, ``reverse_kl``: D(Q | P) alone;
    - ``stopped``: the value of ``auto``, each term with its first argument held constant, as in mt-dnn and
      smart-pytorch: half the gradient to leading order;
    - ``log_odds``: 2 sum P (logit P - logit Q), logits held constant: what mt-dnn climbs. Not a divergence.

    Scores have one form, (p - q)^2. Shapes that differ raise ``ValueError`` ([batch] against [batch, 1] would compare
    every item with every other), and so does a KL over one class, which is 0 for ever.
    """
    if p.shape != q.shape:
        raise ValueError(f"predictions of shapes {tuple(p.shape)} and {tuple(q.shape)} cannot be compared item by item")
    if kind == "squared":
        return (p - q).square().sum(dim=-1)
    if kind == "symmetric_kl" and p.shape[-1] < 2:
        raise ValueError("a KL divergence over one class is always 0; a single logit needs the Bernoulli form")
    return compare(log_probabilities(p, kind), log_probabilities(q, kind), form)


def log_probabilities(prediction: Tensor, kind: Kind) -> Tensor:
    """[batch, classes] from logits [batch, classes], or [batch, 2] from logits [batch, 1] of yes."""
    if kind == "symmetric_kl":
        return functional.log_softmax(prediction, dim=-1)
    return functional.logsigmoid(torch.cat((prediction, -prediction), dim=-1))


def compare(log_p: Tensor, log_q: Tensor, form: Form) -> Tensor:
    """``form`` of two tables of log-probabilities [batch, classes]."""
    if form == "kl":
        return one_way(log_p, log_q)
    if form == "reverse_kl":
        return one_way(log_q, log_p)
    if form == "stopped":
        return one_way(log_p.detach(), log_q) + one_way(log_q.detach(), log_p)
    if form == "log_odds":
        return (2 * log_p.exp() * (log_odds(log_p) - log_odds(log_q))).sum(dim=-1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=-1)  # no term is negative: nothing cancels


def one_way(log_p: Tensor, log_q: Tensor) -> Tensor:
    """D(P | Q), [batch]."""
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1)


def log_odds(log_p: Tensor) -> Tensor:
    """log(P / (1 - P)) with mt-dnn's guards, held constant."""
    return -(1 / (log_p.detach().exp() + GUARD) - 1 + GUARD).log()
