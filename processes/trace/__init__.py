"""Eligibility traces, without the synapses that have them."""
