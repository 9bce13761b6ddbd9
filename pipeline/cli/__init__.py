"""The door: the only wing that reads argv, prints and exits."""
