"""The workshop: a plan in, events out. Knows no recipe text, no document, no provider by name."""
