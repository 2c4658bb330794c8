"""Text ↔ ids: training a byte-level BPE, loading any tokenizer.json, chat templates, streaming text without broken
characters."""
