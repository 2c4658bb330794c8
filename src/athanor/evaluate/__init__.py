"""Measuring: pure metrics, question files, samples, and reports of one form."""
