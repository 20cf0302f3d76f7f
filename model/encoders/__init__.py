"""Encoders: BERT, DeBERTa, and those that are made here; where their files come from and whether they are whole."""
