"""One compartment for each pair of neurons that compete."""
