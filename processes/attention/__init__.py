"""Local attention: the share of each synapse in what its neuron learns."""
