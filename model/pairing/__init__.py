"""How one or two sentences become the features that a head reads."""
