"""Recipes, plans and manifests made to do harm; what comes of them is a fault at its place, or a plain plan."""
