"""What comes in from outside while a run goes on: webhooks, each a hint to look at a job, and never more than that."""
