"""What is computed: rules, networks and their input, the same for everyone who runs them."""
