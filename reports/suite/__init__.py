"""One suite in one set-up: analysis, blocks of text, score grid and figures."""
