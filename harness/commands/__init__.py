"""The commands ``run``, ``tune`` and ``ablate``, once their options are read. May import all rooms but ``cli``."""
