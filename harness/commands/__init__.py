"""What ``run``, ``tune`` and ``ablate`` do once their options are read. May import all rooms but ``cli``."""
