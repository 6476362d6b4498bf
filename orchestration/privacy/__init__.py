"""Who may be known: buyers as keyed hashes, and a buyer forgotten."""
