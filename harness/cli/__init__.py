"""The ``harness`` command: options, their checks and their help, with click. May import every other room."""
