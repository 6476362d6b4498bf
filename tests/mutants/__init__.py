"""Mutants: the project with one thing made wrong, which a test has to notice. `make mutants` tells which no test notices."""
