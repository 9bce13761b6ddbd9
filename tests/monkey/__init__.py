"""Money under a monkey: random sequences of different commands on one workspace, against what a user may expect."""
