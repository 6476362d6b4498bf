"""Sample data: landing files as the platforms would deliver them."""
