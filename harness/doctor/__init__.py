"""``harness doctor``: checks this machine, results folder, store, data and encoder, and says how to fix what fails. May
import ``execution`` and all below it."""
