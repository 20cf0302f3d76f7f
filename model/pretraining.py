"""Masked language modelling, with or without next-sentence prediction, for any BERT-shaped encoder and lines of text
(Devlin et al. 2019, arXiv 1810.04805, section 3.1 and appendix A)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from model.data.examples import DataError
from model.rng import generator, seeded

CHOSEN = 0.15  # share of the tokens to predict: 80% of them are masked, 10% replaced at random, 10% left alone
WARM_UP = 0.1  # share of the steps over which the rate rises; it falls to 0 over the rest
BETAS = (0.9, 0.98)  # of Adam, as RoBERTa's (Liu et al. 2019, arXiv 1907.11692)
Documents = Sequence[Sequence[str]]


def pretrain(
    encoder: Any,
    tokenizer: Any,
    lines: Sequence[str],
    *,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    next_sentence: bool,
    max_tokens: int,
    near: bool = False,
) -> Iterator[float]:
    """Train ``encoder`` in place and yield the loss of every step: the mean over the masked tokens, plus that of
    next-sentence prediction if asked for.

    An empty line ends a document; lines without any are one document. The heads are fresh, the masked-LM decoder
    tied to the word embeddings, and both are thrown away. A stray second line comes from another document. Its topic
    alone gives it away (Lan et al. 2020, arXiv 1909.11942, section 3.1); ``near`` prefers documents that stand
    near by, which in a text ordered by topic makes it harder. ``DataError`` where the text is too short.
    """
    texts = documents(lines)
    pairs = Pairs(texts, next_sentence, near)
    device = str(next(encoder.parameters()).device)
    heads = Heads(encoder, seed).to(device)
    trained = list({id(part): part for part in (*encoder.parameters(), *heads.parameters())}.values())
    optimizer = torch.optim.AdamW(trained, lr=rate, betas=BETAS, weight_decay=0.01, fused=True)
    usual = torch.tensor(sorted({*range(len(tokenizer))} - {*tokenizer.all_special_ids}))
    encoder.train()
    for step in range(steps):
        stream = generator(seed, "pretraining", step)
        first, second, strays = pairs.draw(batch, stream)
        tokens = tokenizer(
            first,
            second,
            padding=True,
            truncation=True,
            max_length=max_tokens,
            return_special_tokens_mask=True,
            return_token_type_ids=True,
            return_tensors="pt",
        )
        special = tokens.pop("special_tokens_mask").bool() | ~tokens["attention_mask"].bool()
        goal = tokens["input_ids"]
        tokens["input_ids"], chosen = mask_tokens(goal, special, usual, tokenizer.mask_token_id, stream)
        for group in optimizer.param_groups:
            group["lr"] = rate * rise_and_fall(step, steps)
        with seeded(seed, "pretraining dropout", step):
            output = encoder(**tokens.to(device))
            loss = functional.cross_entropy(
                heads.words(output.last_hidden_state[chosen.to(device)]), goal[chosen].to(device)
            )
            if next_sentence:
                loss = loss + functional.cross_entropy(heads.follows(output), strays.to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        yield float(loss.item())
    encoder.eval()


def mask_tokens(ids: Tensor, special: Tensor, usual: Tensor, mask: int, stream: Generator) -> tuple[Tensor, Tensor]:
    """The ids [rows, length] with some hidden, and which positions to predict (bool, same shape).

    15% of the positions that are not ``special`` are chosen, at least one in the batch; a random replacement is one
    of the ``usual`` ids.
    """
    draw = torch.rand(ids.shape, generator=stream).masked_fill(special, 2.0)
    chosen = (draw < CHOSEN) | (draw == draw.min())
    how = torch.rand(ids.shape, generator=stream)
    random = usual[torch.randint(len(usual), ids.shape, generator=stream)]
    hidden = torch.where(chosen & (how < 0.8), mask, ids)
    return torch.where(chosen & (how >= 0.9), random, hidden), chosen & ~special


def documents(lines: Sequence[str]) -> list[list[str]]:
    """Lines as documents: an empty line ends one."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            groups[-1].append(line.strip())
        elif groups[-1]:
            groups.append([])
    return [document for document in groups if document]


class Pairs:
    """What a step reads: lines, or pairs of a line and, half the time each, the one after it or a stray one.

    A stray line comes from another document; where there is only one, from anywhere in it.
    """

    def __init__(self, texts: Documents, next_sentence: bool, near: bool = False) -> None:
        self._texts, self._next, self._near = texts, next_sentence, near
        last = 1 if next_sentence else 0  # the last line of a document has none after it
        self._places = [(number, line) for number, text in enumerate(texts) for line in range(len(text) - last)]
        if not self._places:
            what = "two lines that follow each other" if next_sentence else "a line"
            raise DataError(f"the text to pre-train on has {len(texts)} line(s); it needs at least {what}")

    def draw(self, count: int, stream: Generator) -> tuple[list[str], list[str] | None, Tensor]:
        """First lines, second ones (None without next-sentence prediction) and 1 for each stray one, [count]."""

        def below(limit: int) -> int:
            return int(torch.randint(limit, (), generator=stream))

        places = [self._places[below(len(self._places))] for _ in range(count)]
        first = [self._texts[number][line] for number, line in places]
        strays = torch.randint(2, (count,), generator=stream)
        if not self._next:
            return first, None, strays
        second = []
        for (number, line), stray in zip(places, strays.tolist(), strict=True):
            if stray:
                other = self._texts[(number + self._distance(stream)) % len(self._texts)]
                second.append(other[below(len(other))])
            else:
                second.append(self._texts[number][line + 1])
        return first, second, strays

    def _distance(self, stream: Generator) -> int:
        """How many documents away a stray line is from: any number, or each power of two as likely as the next."""
        others, share = len(self._texts) - 1, float(torch.rand((), generator=stream))
        return int(others**share) if self._near and others else 1 + int(others * share)


class Heads(nn.Module):
    """BERT's two pre-training heads. Their fresh weights come from streams of their own names."""

    def __init__(self, encoder: Any, seed: int) -> None:
        from transformers.models.bert.modeling_bert import BertLMPredictionHead

        super().__init__()
        embeddings = encoder.get_input_embeddings()
        self.words: nn.Module = BertLMPredictionHead(encoder.config)
        self.order = nn.Linear(encoder.config.hidden_size, 2)
        draw_weights(self, encoder.config.initializer_range, seed, "pretraining head")
        torch.nn.init.eye_(self.words.transform.dense.weight)  # what a state says already is near its own word
        self.words.decoder.weight = embeddings.weight

    def follows(self, output: Any) -> Tensor:
        """Logits [rows, 2] for "follows" and "stray", from the pooled state, or from the first token's without a
        pooler."""
        pooled = getattr(output, "pooler_output", None)
        logits: Tensor = self.order(output.last_hidden_state[:, 0] if pooled is None else pooled)
        return logits


def draw_weights(module: nn.Module, spread: float, *names: str | int) -> None:
    """Fresh weights: matrices normal with deviation ``spread``, each from the stream of its own name, biases 0 and
    the gains of LayerNorms 1."""
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.dim() > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator(*names, name)) * spread)
            else:
                weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)


def rise_and_fall(step: int, steps: int) -> float:
    """The rate's factor: linear warm-up, then linear decay."""
    warm = max(1, round(steps * WARM_UP))
    return min((step + 1) / warm, (steps - step) / max(1, steps - warm))


__all__ = ["documents", "draw_weights", "mask_tokens", "pretrain"]
