"""kefu: lands, builds and publishes; what computes is SQL in models/ and macros/."""
