"""Penalties beside a task's loss: SMART's adversarial smoothness, the proximal point, R-Drop."""
