"""The components of the HMN rule, each written once as a neurocore program."""
