"""What Rushes goes through before it is trusted with money: kills, restarts, full disks, clocks that jump."""
