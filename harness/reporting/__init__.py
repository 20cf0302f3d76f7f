"""What a results folder holds, as tables, reports and comparisons. May import the rooms of single commands
(``inference``, ``ablate``, ``sequential``, ``tune``, ``doctor``) and all below them."""
