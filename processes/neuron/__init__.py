"""The neuron: activation, noise, and what it supplies to the learning engine."""
