"""Microcoded compartments that are part of another component: terms of sums, contexts, normalisers."""
