"""Tables, reports and comparisons of the results in a results folder. May import the packages of single commands
(``inference``, ``ablate``, ``sequential``, ``tune``, ``doctor``) and all below them."""
