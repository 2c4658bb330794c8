"""What each file of a model folder is for, by its name, in plain words."""

from __future__ import annotations

import fnmatch

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")

# (patterns of the name in lower case, role, note); the first that fits holds.
ROLES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("config.json",), "config", "the shape of the network: layers, widths, heads"),
    (("generation_config.json",), "generation", "how text is drawn where nothing is asked for"),
    (("*.safetensors.index.json",), "index", "which shard holds which tensor"),
    (("*.safetensors",), "weights", "the numbers the model has learned"),
    (("*.gguf",), "weights", "weights, vocabulary and settings in one file, as llama.cpp reads them"),
    (("*.bin.index.json",), "index", "which pickle holds which tensor"),
    (PICKLES, "pickle", "a Python pickle, which can run commands when it is opened; never opened here"),
    (("chat_template.*",), "template", "how a conversation becomes one text"),
    (("tokenizer_config.json",), "tokenizer", "settings of the tokenizer, often with the chat template"),
    (("tokenizer.json",), "tokenizer", "text to ids and back: pieces, merges and rules"),
    (("*.model", "*.spm"), "tokenizer", "text to ids and back, as SentencePiece keeps it"),
    (("vocab.json", "vocab.txt", "*.tiktoken"), "tokenizer", "the list of tokens"),
    (("merges.txt",), "tokenizer", "which pieces are joined, and in which order"),
    (("special_tokens_map.json", "added_tokens.json"), "tokenizer", "tokens that steer: beginnings, ends, turns"),
    (("preprocessor_config.json", "processor_config.json"), "pictures", "how a picture becomes numbers"),
    (("license*", "licence*", "copying*", "notice*", "use_policy*"), "licence", "what may be done with the model"),
    (("readme*", "*.md"), "documentation", "words about the model, for people"),
    (("*.py",), "code", "Python code from whoever made the folder; it will not be run"),
    (("manifest.json",), "manifest", "Athanor's own record: recipe, hashes, lineage"),
    (("*.h5", "*.msgpack", "*.ot", "*.onnx", "*.onnx_data", "*.mlmodel"), "weights", "in another program's form"),
    (("*.json", "*.txt", "*.yaml", "*.yml", "*.toml"), "settings", "not needed here"),
)


def role_of(name: str) -> tuple[str, str]:
    """(role, note) of a file, by its name without folders."""
    for patterns, role, note in ROLES:
        if any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in patterns):
            return role, note
    return "other", "not needed here"
