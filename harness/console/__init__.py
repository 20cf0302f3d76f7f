"""Terminal input and output: text, progress, the log file, signals. Imports no other package of the harness."""
