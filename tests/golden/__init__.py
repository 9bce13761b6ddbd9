"""Plans pinned as text: what a recipe written for version 1 means, and which keys its results have."""
