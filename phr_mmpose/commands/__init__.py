"""What an installed package adds to the command line."""
