"""A loss to be minimised, as a Process."""
