"""How far two predictions of one item are apart: what SMART, the proximal point and R-Drop penalise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from model.lazy_torch import functional, torch

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["symmetric_kl", "bernoulli_symmetric_kl", "squared"]  # what an objective's prediction means
Form = Literal["auto", "kl", "reverse_kl", "stopped", "log_odds"]
GUARD = 1e-6  # mt-dnn's, against log 0
FAR = 80.0  # differences of logits whose exponential float32 still holds
SERIES = tuple((power - 1) / math.factorial(power) for power in range(18, 1, -1))  # of ``excess``, over d^2


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
    if form == "kl":
        return one_way(p, q, kind)
    if form == "reverse_kl":
        return one_way(q, p, kind)
    if form == "stopped":
        return one_way(p.detach(), q, kind) + one_way(q.detach(), p, kind)
    log_p, log_q = log_probabilities(p, kind), log_probabilities(q, kind)
    if form == "log_odds":
        return (2 * log_p.exp() * (log_odds(log_p) - log_odds(log_q))).sum(dim=-1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=-1)  # no term is negative: nothing cancels


def log_probabilities(prediction: Tensor, kind: Kind) -> Tensor:
    """[batch, classes] from logits [batch, classes], or [batch, 2] from logits [batch, 1] of yes."""
    if kind == "symmetric_kl":
        return functional.log_softmax(prediction, dim=-1)
    return functional.logsigmoid(torch.cat((prediction, -prediction), dim=-1))


def one_way(p: Tensor, q: Tensor, kind: Kind) -> Tensor:
    """D(P | Q), [batch], of logits [batch, outputs].

    The terms of sum P d, d = log P - log Q, have both signs and cancel where P is near Q: in float32 they are off by
    more than the whole from differences of 1e-3 down. As P and Q have the same sum, sum Q (d e^d - (e^d - 1)) is the
    same, and none of its terms is negative. Beyond d = 1 a term is P (d - 1) + Q, which does not overflow.
    """
    log_p, log_q = log_probabilities(p, kind), log_probabilities(q, kind)
    d = log_ratio(p - q, log_p, log_q)
    beyond = log_p.exp() * (d.clamp(min=1) - 1) + log_q.exp()
    return torch.where(d > 1, beyond, log_q.exp() * excess(d)).sum(dim=-1)


def log_ratio(apart: Tensor, log_p: Tensor, log_q: Tensor) -> Tensor:
    """log P - log Q, [batch, classes], of logits that are ``apart`` [batch, outputs], to the precision of that
    difference and not of the logarithms: u - log sum Q e^u, u the difference less its mean over Q."""
    if apart.shape != log_q.shape:  # yes or no: the logit of no is 0
        apart = torch.cat((apart, torch.zeros_like(apart)), dim=-1)
    finite = apart.isfinite()
    apart = torch.where(finite, apart, 0)
    centred = apart - (log_q.exp() * apart).sum(dim=-1, keepdim=True).detach()
    near = finite.all(dim=-1, keepdim=True) & (centred.amax(dim=-1, keepdim=True) < FAR)
    rest = (log_q.exp() * centred.clamp(max=FAR).expm1()).sum(dim=-1, keepdim=True)
    wide = torch.where(log_p == log_q, 0, log_p - log_q)  # no probability in either is no difference
    return torch.where(near, centred - rest.clamp(min=-0.5).log1p(), wide)


def excess(d: Tensor) -> Tensor:
    """d e^d - (e^d - 1) for d of at most 1: about d^2 / 2 near 0, where the difference itself would cancel."""
    near, far = d.clamp(-0.5, 0.5), d.clamp(-100, 1)
    series = torch.zeros_like(near)
    for coefficient in SERIES:
        series = series * near + coefficient
    return torch.where(d.abs() < 0.5, near.square() * series, far * far.exp() - far.expm1())


def log_odds(log_p: Tensor) -> Tensor:
    """log(P / (1 - P)) with mt-dnn's guards, held constant."""
    return -(1 / (log_p.detach().exp() + GUARD) - 1 + GUARD).log()
