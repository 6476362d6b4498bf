-- From when on the workload sheet calls an answer slow and a reception long: a row per scope and rule version.
{{ rules_in_force({'slow_response_seconds': 'decimal(18, 6)', 'long_reception_seconds': 'decimal(18, 6)'}) }}
