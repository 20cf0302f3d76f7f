"""Seeds are added until comparisons are decided."""
