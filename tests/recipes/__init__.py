"""The library: every recipe of it reads, plans and runs, and has its picture."""
