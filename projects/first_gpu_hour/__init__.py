"""A first number from a GPU that is at hand for some minutes."""
