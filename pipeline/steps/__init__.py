"""What can be done: one frozen class a step kind, from its inputs' files to its own."""
