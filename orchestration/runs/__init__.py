"""Dagster: partitions, assets, what starts runs, and what a run shows."""
