"""Sample data: landing files as the three platforms would deliver them."""

from orchestration.generate.run import generate

__all__ = ["generate"]
