"""What a person reads and types: text, progress, the log file, signals. Imports no other room."""
