"""Networks, techniques and the training loop. Imports no other package of the project."""
