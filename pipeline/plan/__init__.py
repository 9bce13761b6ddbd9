"""The drawing board: a recipe in, a priced and keyed plan out. Spends nothing, changes nothing, opens no socket."""
