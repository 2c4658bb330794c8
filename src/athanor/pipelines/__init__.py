"""Compositions of the floors below, nothing else."""
