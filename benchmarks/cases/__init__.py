"""The kinds of cases, each measured in a process of its own."""
