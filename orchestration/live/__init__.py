"""The running day: what lands is looked at again and again, by the models of the build, for a moment of that day."""
