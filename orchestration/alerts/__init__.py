"""Alerts: what there is to tell (causes, runs), what has been told (outbox), by which way (transports), and when (sensors)."""
