"""The meta-learner: constants that an outer loop adapts."""
