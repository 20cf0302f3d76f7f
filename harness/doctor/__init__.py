"""``harness doctor``: what is right with this machine, results folder, store, data and encoder, and how to mend the
rest. May import ``execution`` and all below it."""
