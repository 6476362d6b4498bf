"""What is broken on purpose, and what comes of it. A module per fault, run by `make faults`; docs/faults.md has the figures."""
