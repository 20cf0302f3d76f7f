"""transformers' Trainer in a process of its own, as its users have it: nothing of ours is imported but the JSON ends.

A dynamically padding collator, AdamW with our settings, fp32, no evaluation, saving or reporting; Trainer's defaults
otherwise, so the gradient is clipped (max_grad_norm 1) as it is there. Rows are tokenised before the clock starts.
"""

from __future__ import annotations

import tempfile
import time
from importlib.metadata import version
from typing import Any

from benchmarks.apart import answer


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """``work`` "train" (the second of two epochs) or "predict"; ``texts`` [rows][1 or 2],
    ``labels``, ``encoder``, ``classes``, ``batch``, ``threads``, ``sampling``."""
    import torch
    import transformers

    torch.set_num_threads(job["threads"])
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(job["encoder"])
    model = transformers.BertForSequenceClassification.from_pretrained(job["encoder"], num_labels=job["classes"])
    columns = [list(column) for column in zip(*job["texts"], strict=True)]
    encoded = tokenizer(*columns, truncation=True, max_length=job["longest"])
    data = [
        {**{name: encoded[name][row] for name in encoded}, "labels": label} for row, label in enumerate(job["labels"])
    ]
    with tempfile.TemporaryDirectory() as folder:
        seconds = (fit if job["work"] == "train" else predict)(job, model, tokenizer, data, folder)
    packages = {name: version(name) for name in ("transformers", "accelerate", "torch")}
    return {"seconds": seconds, "items": len(data), "versions": packages}


def fit(job: dict[str, Any], model: Any, tokenizer: Any, data: Any, folder: str) -> float:
    """Seconds from the beginning of the second epoch to the end of its last update."""
    import transformers

    class Clock(transformers.TrainerCallback):
        began = ended = 0.0

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.began = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.ended = time.monotonic()

    clock = Clock()
    transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=job["batch"],
            num_train_epochs=2,
            learning_rate=job["rate"],
            adam_epsilon=job["eps"],
            lr_scheduler_type="constant",
            train_sampling_strategy=job["sampling"],
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
        ),
        train_dataset=data,
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        callbacks=[clock],
    ).train()
    return clock.ended - clock.began


def predict(job: dict[str, Any], model: Any, tokenizer: Any, data: Any, folder: str) -> float:
    """Seconds of ``Trainer.predict`` on all rows, after the first few of them."""
    import transformers

    trainer = transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(
            output_dir=folder,
            per_device_eval_batch_size=job["batch"],
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
        ),
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
    )
    trainer.predict(data[: 2 * job["batch"]])
    began = time.monotonic()
    trainer.predict(data)
    return time.monotonic() - began


if __name__ == "__main__":
    answer(measure)
