"""Changing models: each step is (artifact, recipe) → artifact or files, with a proof."""
