"""Which suites, rows, changes and techniques there are: the package's own, the user's files, tuned settings. May import
``cells`` and ``console``."""
