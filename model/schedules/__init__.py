"""Which tasks each update of an epoch serves."""
