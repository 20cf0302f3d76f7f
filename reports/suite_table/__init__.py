"""A suite's table as data, and drawn for terminal, Markdown and CSV."""
