"""The cellar: bytes by digest, events by run. Knows the vocabulary and nothing of recipes, plans or services."""
