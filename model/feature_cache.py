"""An encoder that never changes answers once: its pooled states, kept for every epoch."""

from __future__ import annotations

import torch
from torch import Tensor

from model.batching import TokenTable, by_length
from model.interfaces import Batch, Encoded
from model.network import Network


class FeatureCache:
    """The pooled states [rows, hidden] of whole tables, computed when first asked for, in batches of about ``tokens``
    tokens of similar length. They stay in memory."""

    def __init__(self, network: Network, tokens: int, device: str) -> None:
        self.network, self.tokens, self.device = network, tokens, device
        self._states: dict[int, tuple[TokenTable, Tensor]] = {}  # by the table's id, and the table, so that it lives

    def encoded(self, table: TokenTable, batch: Batch) -> Encoded:
        """What the encoder gives for a batch of the table."""
        if id(table) not in self._states:
            self._states[id(table)] = table, self._all(table)
        items = batch.items.to(self.device)
        rows = torch.cat((items, items + len(table))) if table.separate else items
        _, pooled = self._states[id(table)]
        return Encoded(pooled=pooled[rows], mask=batch.tokens.mask)

    @torch.no_grad()
    def _all(self, table: TokenTable) -> Tensor:
        network, rows = self.network, len(table.starts) - 1
        training, states = network.training, torch.empty(rows, network.width, device=self.device)
        network.eval()
        for items in by_length(table, self.tokens):
            batch = table.batch(items, self.device)
            places = torch.cat((batch.items, batch.items + len(table))) if table.separate else batch.items
            states[places] = network.encode(batch.tokens, network.embed(batch.tokens)).pooled.to(states.dtype)
        network.train(training)
        return states
