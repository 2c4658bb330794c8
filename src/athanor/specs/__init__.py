"""What a model is, without torch: spec structs, one page a family, file headers."""
