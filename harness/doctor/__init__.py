"""``harness doctor``: what of this machine, home, store, data and encoder is sound, and how to mend what is not."""
