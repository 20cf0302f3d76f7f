"""The ``harness`` command: options, their checks and their help, with click. May import all other packages."""
