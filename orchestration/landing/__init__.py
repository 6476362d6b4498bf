"""Landing: files as delivered become rows of schema raw, typed, in Beijing time."""
