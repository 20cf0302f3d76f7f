"""The report's plots: one file a figure, each a function from plain records to matplotlib figures."""
