"""From selected rows to cells: which trainings a command needs, what each is called and what it costs. May import
``registry``, ``cells`` and ``console``."""
