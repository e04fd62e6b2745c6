"""The probabilistic gate: an update passes by chance."""
