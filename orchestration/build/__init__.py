"""A build: what has landed becomes marts, checked and published."""
