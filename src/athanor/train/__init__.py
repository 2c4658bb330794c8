"""Learning: tokens, batches, optimisers, schedule, budget, checkpoints, and the one loop."""
