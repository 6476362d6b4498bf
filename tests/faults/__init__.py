"""What is broken on purpose, and what comes of it: a module per fault, each a script; docs/faults.md has the figures."""
