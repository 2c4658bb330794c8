"""The ground floor: errors, recipes, seeds, hardware, files, progress. Imports nothing of Athanor and no torch."""
