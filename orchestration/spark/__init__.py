"""Models on Apache Spark: DuckDB lands, keeps the state and publishes as ever, Spark computes what models make."""
