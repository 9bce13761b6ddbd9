"""The shop window: plan and events in, documents out. Reads no recipe, spends nothing, decides nothing."""
