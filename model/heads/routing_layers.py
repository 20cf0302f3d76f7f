"""The routing of vectors in sequences (Heinsen 2022, arXiv 2211.11754), with padding that counts for nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Route(nn.Module):
    """Input vectors [batch, n, width] to ``outputs`` vectors [batch, outputs, size].

    Each input i proposes a vector to each output j, V_ij = (x_i * F1_j) F2 + B_j, and has an activation a_i. Two
    kinds of credit are computed in turns: R_ij, the share of input i that output j uses, and phi_ij, what the output
    gains by what it uses less what it loses by what it ignores; outputs are sum_i phi_ij V_ij. R starts uniform and
    then favours the outputs that predict the input best.

    ``inputs`` None: any number of them, all treated alike. The author's code scales by the padded length and, asked
    to ignore an input, gives NaN; here both follow the mask.
    """

    def __init__(self, width: int, outputs: int, size: int, iterations: int, inputs: int | None = None) -> None:
        super().__init__()
        self.width, self.size, self.iterations = width, size, iterations
        each = inputs or 1
        self.activation = nn.Parameter(torch.empty(each, width))  # W_A
        self.activation_bias = nn.Parameter(torch.empty(each))  # B_A
        self.propose = nn.Parameter(torch.empty(outputs, width))  # W_F1
        self.project = nn.Parameter(torch.empty(width, size))  # W_F2
        self.project_bias = nn.Parameter(torch.empty(outputs, size))  # B_F2
        self.predict = nn.Parameter(torch.empty(size, width))  # W_G1
        self.predict_scale = nn.Parameter(torch.empty(outputs, width))  # W_G2
        self.predict_bias = nn.Parameter(torch.empty(outputs, width))  # B_G2
        self.score = nn.Parameter(torch.empty(each, outputs))  # W_S
        self.score_bias = nn.Parameter(torch.empty(each, outputs))  # B_S
        self.use: nn.Parameter | nn.Linear  # beta_use
        self.ignore: nn.Parameter | nn.Linear  # beta_ign
        if inputs is None:
            self.use, self.ignore = nn.Linear(width, outputs), nn.Linear(width, outputs)
        else:
            self.use, self.ignore = (nn.Parameter(torch.empty(inputs, outputs)) for _ in range(2))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The author's initial weights; two linear layers for beta, where there are any, start as torch starts them."""
        wide = self.width**-0.5
        scales = {"activation": 2 * wide, "propose": 1, "project": 2 * wide, "predict": self.size**-0.5}
        scales |= {"predict_scale": 1, "score": wide, "use": 1, "ignore": 1}
        for name, parameter in self.named_parameters(recurse=False):
            if name in scales:
                nn.init.normal_(parameter, std=scales[name])
            else:
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``mask`` [batch, n] is True for real inputs; None: all are. A row without any gives zeros."""
        real = torch.ones_like(x[..., 0]) if mask is None else mask.to(x.dtype)  # [batch, n]
        scaled = x * real.sum(-1).clamp_min(1).rsqrt()[:, None, None]  # [batch, n, width]
        active = torch.sigmoid((scaled * self.activation).sum(-1) + self.activation_bias) * real  # [batch, n]
        uniform = torch.full_like(self.score, 1 / len(self.propose))  # R of the first turn
        out = self._gather(x, scaled, active, uniform)
        for _ in range(self.iterations - 1):
            out = self._gather(x, scaled, active, self._share(x, self._normal(out)))
        return self._normal(out)

    def _gather(self, x: Tensor, scaled: Tensor, active: Tensor, share: Tensor) -> Tensor:
        """Outputs [batch, outputs, size] for the shares R [(batch,) n, outputs]."""
        use = self.use(x) if isinstance(self.use, nn.Linear) else self.use
        ignore = self.ignore(x) if isinstance(self.ignore, nn.Linear) else self.ignore
        used = active[..., None] * share  # D_use
        credit = use * used - ignore * (active[..., None] - used)  # phi, [batch, n, outputs]
        gathered = credit.transpose(-2, -1) @ scaled  # [batch, outputs, width]
        return (gathered * self.propose) @ self.project + credit.sum(-2)[..., None] * self.project_bias

    def _share(self, x: Tensor, out: Tensor) -> Tensor:
        predicted = (out @ self.predict) * self.predict_scale + self.predict_bias  # [batch, outputs, width]
        scores = x @ predicted.transpose(-2, -1) * self.score + self.score_bias
        return functional.logsigmoid(scores).softmax(-1)

    def _normal(self, out: Tensor) -> Tensor:
        return functional.layer_norm(out, (self.size,)) if self.size > 1 else out


class StatesRouting(nn.Module):
    """All depths' states to [batch, outputs]: normalised, scaled and shifted by depth, then routed three times."""

    def __init__(self, hidden: int, depth: int, outputs: int, vectors: int, size: int, iterations: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(depth, hidden))
        self.shift = nn.Parameter(torch.empty(depth, hidden))
        self.gather = Route(hidden, vectors, size, iterations)
        self.refine = Route(size, vectors, size, iterations, inputs=vectors)
        self.decide = Route(size, outputs, 1, iterations, inputs=vectors)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Every depth starts as it is."""
        nn.init.ones_(self.scale)
        nn.init.zeros_(self.shift)

    def forward(self, states: tuple[Tensor, ...], mask: Tensor) -> Tensor:
        """``states``: depth times [batch, length, hidden]; ``mask`` [batch, length], 1 for real tokens."""
        every = torch.stack(states, dim=2)  # [batch, length, depth, hidden]
        every = functional.layer_norm(every, every.shape[-1:]) * self.scale + self.shift
        real = mask.bool().repeat_interleave(len(states), dim=1)  # [batch, length * depth]
        decided: Tensor = self.decide(self.refine(self.gather(every.flatten(1, 2), real)))
        return decided.squeeze(-1)
