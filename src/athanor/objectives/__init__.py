"""What is minimised: one file an objective, each with `players` and `loss`."""
