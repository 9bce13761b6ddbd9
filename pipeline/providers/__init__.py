"""Who can do it: one page of pure translation a provider, and the one dance that all services share."""
