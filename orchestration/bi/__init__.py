"""`make bi`: dashboards on what a home has published, in Apache Superset.

bi/superset/ says what there is to see, in YAML: datasets, and dashboards with their charts. Everything is written once, in
English, and the catalogue has the Chinese.
"""
