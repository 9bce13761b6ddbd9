"""The darkroom: path in, path out; the only wing that knows PyAV, and it knows no recipe, provider or store."""
