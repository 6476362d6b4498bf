"""An independent reference of the rules in plain Python, for tests only."""
