"""Static synapses."""
