"""What runs in a child process of its own: whole networks in Lava's runtime."""
