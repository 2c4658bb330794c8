"""From a folder to a corpus: read, decode, clean, judge, redact, deduplicate, split. No torch."""
