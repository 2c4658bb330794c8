"""The table of families and their variants: how each one's tiny checkpoint is made, and how it is asked.

The weights are random. transformers makes and answers all that it has; `references` has the rest.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import references
import torch
import transformers as T
from asking import (
    END,
    LENGTH,
    VOCABULARY,
    Continuing,
    Meeting,
    Reading,
    Seeing,
    Translating,
    Variant,
    edit_config,
    edit_tensors,
)
from safetensors.torch import save_file

T.logging.set_verbosity_error()
T.logging.disable_progress_bar()
WIDTH, INNER, LAYERS, HEADS = 32, 48, 2, 4
SHAPE = {
    "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS, "max_position_embeddings": 128, "bos_token_id": 1, "eos_token_id": 2,
    "pad_token_id": None,
}  # fmt: skip


def built(network: Any, config: Any, **more: Any) -> Any:
    """A network of transformers with random weights, when called."""
    return lambda: network(config(**{**SHAPE, **more}))


# Decoders


def gpt2(**more: Any) -> Any:
    config = T.GPT2Config(vocab_size=VOCABULARY, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=64, **more)
    return lambda: T.GPT2LMHeadModel(config)


def bare_gpt2(folder: Path) -> None:
    """As GPT-2's first folders are: the trunk's names alone, and the masks of its attention beside them."""
    mask = torch.ones(1, 1, 64, 64).tril()
    masks = {f"h.{layer}.attn.bias": mask for layer in range(LAYERS)}
    edit_tensors(folder, lambda found: {name.removeprefix("transformer."): its for name, its in found.items()} | masks)


def llama(family: str = "LLaMA", **more: Any) -> Variant:
    return Variant(family, built(T.LlamaForCausalLM, T.LlamaConfig, **more), Continuing())


def stretched(kind: str, context: int = 128, **more: Any) -> Variant:
    """LLaMA with rotary positions of one kind, on texts longer than the original context."""
    settings = {"rope_type": kind, "rope_theta": 10000.0, **more}
    return llama(num_key_value_heads=2, max_position_embeddings=context, rope_parameters=settings)


def old_words(folder: Path) -> None:
    """The spelling of configs before transformers 5."""
    settings = json.loads((folder / "config.json").read_text())["rope_parameters"]
    theta, kind = settings.pop("rope_theta"), settings.pop("rope_type")
    words = {"rope_theta": theta, "rope_scaling": {"type": kind, **settings}, "torch_dtype": "float32"}
    edit_config(folder, rope_parameters=..., dtype=..., **words)


def head_again(folder: Path) -> None:
    """A tied head that is stored all the same, and LLaMA's first tables of wavelengths."""

    def edit(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        table = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
        return {**found, **table, "lm_head.weight": found["model.embed_tokens.weight"]}

    edit_tensors(folder, edit)


def moe(**more: Any) -> Variant:
    shape = {"num_key_value_heads": 2, "head_dim": 16, "num_experts": 6, "num_experts_per_tok": 2}
    shape |= {"moe_intermediate_size": 24, **more}
    return Variant("Qwen3", built(T.Qwen3MoeForCausalLM, T.Qwen3MoeConfig, **shape), Continuing())


def chatglm(groups: int = 2, biases: bool = True, **more: Any) -> Variant:
    """more: words of ChatGLM3's config, for those the weights are the same."""
    shape = {"num_key_value_heads": groups, "head_dim": WIDTH // HEADS, "attention_bias": biases}
    shape |= {"rms_norm_eps": 1e-5, "partial_rotary_factor": 0.5}
    shape["rope_theta"] = 10000.0 * more.get("rope_ratio", 1)

    def save(model: Any, folder: Path) -> None:
        save_file(references.chatglm_tensors(model, LAYERS, biases), folder / "model.safetensors")
        words = {"padded_vocab_size": VOCABULARY, "seq_length": 128, "add_qkv_bias": biases, **more}
        config = references.chatglm_config(WIDTH, INNER, LAYERS, HEADS, groups, **words)
        (folder / "config.json").write_text(json.dumps(config))

    return Variant("ChatGLM3", built(T.GlmForCausalLM, T.GlmConfig, **shape), Continuing(), save)


CONTINUING = {
    "gpt2": Variant("GPT-2", gpt2(), Continuing()),
    "gpt2-untied": Variant("GPT-2", gpt2(tie_word_embeddings=False), Continuing()),
    "gpt2-relu": Variant("GPT-2", gpt2(activation_function="relu", n_inner=40), Continuing()),
    "gpt2-bare": Variant("GPT-2", gpt2(), Continuing(), edit=bare_gpt2),
    "llama-grouped": llama(num_key_value_heads=2),
    "llama-all-heads": llama(),
    "llama-one-key-head": llama(num_key_value_heads=1),
    "llama-tied": llama(tie_word_embeddings=True),
    "llama-tied-twice": Variant(
        "LLaMA", built(T.LlamaForCausalLM, T.LlamaConfig, tie_word_embeddings=True), Continuing(), edit=head_again
    ),
    "llama-biases": llama(attention_bias=True, mlp_bias=True, hidden_act="gelu"),
    "llama-wide-heads": llama(head_dim=16, num_key_value_heads=2),
    "llama-rope-llama3": stretched(
        "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16
    ),
    "llama-rope-linear": stretched("linear", factor=3.0),
    "llama-rope-dynamic": stretched("dynamic", context=24, factor=2.0),
    "llama-rope-yarn": stretched("yarn", factor=4.0, original_max_position_embeddings=16),
    "llama-old-config": Variant("LLaMA", stretched("linear", factor=3.0).build, Continuing(), edit=old_words),
    "smollm2": llama(
        "SmolLM2", hidden_size=36, intermediate_size=96, num_attention_heads=9, num_key_value_heads=3,
        num_hidden_layers=3, rms_norm_eps=1e-5, rope_theta=100000.0, tie_word_embeddings=True,
    ),
    "mistral": Variant(
        "Mistral", built(T.MistralForCausalLM, T.MistralConfig, num_key_value_heads=2, sliding_window=9), Continuing()
    ),
    "mistral-no-window": Variant(
        "Mistral",
        built(T.MistralForCausalLM, T.MistralConfig, num_key_value_heads=2, sliding_window=None),
        Continuing(),
    ),
    "qwen2": Variant("Qwen2", built(T.Qwen2ForCausalLM, T.Qwen2Config, num_key_value_heads=2), Continuing()),
    "qwen2-tied": Variant(
        "Qwen2", built(T.Qwen2ForCausalLM, T.Qwen2Config, num_key_value_heads=4, tie_word_embeddings=True), Continuing()
    ),
    "qwen3": Variant(
        "Qwen3", built(T.Qwen3ForCausalLM, T.Qwen3Config, num_key_value_heads=2, head_dim=16), Continuing()
    ),
    "qwen3-moe": moe(norm_topk_prob=True),
    "qwen3-moe-plain": moe(norm_topk_prob=False),
    "chatglm3": chatglm(),
    "chatglm3-no-bias": chatglm(biases=False),
    "chatglm3-rope-ratio": chatglm(groups=1, rope_ratio=50),
    "glm4": Variant("GLM-4", built(T.Glm4ForCausalLM, T.Glm4Config, num_key_value_heads=2, head_dim=8), Continuing()),
    "glm4-biases": Variant(
        "GLM-4",
        built(T.Glm4ForCausalLM, T.Glm4Config, num_key_value_heads=1, head_dim=16, attention_bias=True),
        Continuing(),
    ),
}  # fmt: skip


# Encoders


def bert(network: Any, **asked: Any) -> Variant:
    shape = {"pad_token_id": 0, "num_labels": 2 if asked.get("head") == "answers" else 5}
    return Variant("BERT", built(network, T.BertConfig, **shape), Reading(**asked))


def old_norms(folder: Path) -> None:
    """The words of folders of the first years, converted from TensorFlow."""

    def word(name: str) -> str:
        return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")

    edit_tensors(folder, lambda found: {word(name): its for name, its in found.items()})


def called_masked(folder: Path) -> None:
    """As bert-base-uncased is: an architecture that has fewer parts than its folder, head and embedding twice."""
    edit_config(folder, architectures=["BertForMaskedLM"])
    names = {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }
    edit_tensors(folder, lambda found: {**found, **{twin: found[name] for twin, name in names.items()}})


def roberta(network: Any, **asked: Any) -> Variant:
    shape = {"pad_token_id": 1, "bos_token_id": 0, "type_vocab_size": 1, "num_labels": 3}
    return Variant("RoBERTa", built(network, T.RobertaConfig, **shape), Reading(padding=1, types=False, **asked))


def ernie(**more: Any) -> Variant:
    return Variant("ERNIE", built(T.ErnieModel, T.ErnieConfig, pad_token_id=0, **more), Reading(pooled=True))


READING = {
    "bert": bert(T.BertModel, pooled=True),
    "bert-masked": bert(T.BertForMaskedLM, head="masked"),
    "bert-next-sentence": bert(T.BertForPreTraining, head="masked", follows=True, pooled=True),
    "bert-classes": bert(T.BertForSequenceClassification, head="classes"),
    "bert-tokens": bert(T.BertForTokenClassification, head="tokens"),
    "bert-answers": bert(T.BertForQuestionAnswering, head="answers"),
    "bert-old-norms": Variant(
        "BERT", built(T.BertForMaskedLM, T.BertConfig, pad_token_id=0), Reading(head="masked"), edit=old_norms
    ),
    "bert-more-than-named": Variant(
        "BERT", built(T.BertForPreTraining, T.BertConfig, pad_token_id=0),
        Reading(head="masked", follows=True, pooled=True), edit=called_masked,
    ),
    "roberta": roberta(T.RobertaModel, pooled=True),
    "roberta-masked": roberta(T.RobertaForMaskedLM, head="masked"),
    "roberta-classes": roberta(T.RobertaForSequenceClassification, head="classes"),
    "ernie": ernie(),
    "ernie-tasks": ernie(use_task_id=True, task_type_vocab_size=3),
    "minilm": Variant(
        "MiniLM",
        built(T.BertModel, T.BertConfig, pad_token_id=0, num_attention_heads=8, num_hidden_layers=3),
        Reading(pooled=True),
    ),
}  # fmt: skip


# Encoder-decoders


def t5(**more: Any) -> Variant:
    shape: dict[str, Any] = {"vocab_size": VOCABULARY, "d_model": WIDTH, "d_kv": 8, "d_ff": INNER, "num_layers": LAYERS}
    shape |= {"num_heads": HEADS, "decoder_start_token_id": 0, **more}
    return Variant("T5", lambda: T.T5ForConditionalGeneration(T.T5Config(**shape)), Translating())


def written(config: dict[str, Any], model: torch.nn.Module, folder: Path) -> None:
    """A folder of a network that no library writes."""
    save_file(model.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))


def transformer(tied: bool = True, first: bool = False, encoder: int = LAYERS, decoder: int = LAYERS) -> Variant:
    shape: dict[str, Any] = {"nhead": HEADS, "num_encoder_layers": encoder, "num_decoder_layers": decoder}
    shape |= {"dim_feedforward": INNER, "norm_first": first}
    config = {"model_type": "transformer", "vocab_size": VOCABULARY, "d_model": WIDTH, "pad_token_id": 0}
    config |= {"decoder_start_token_id": 1, "tie_word_embeddings": tied, **shape}
    build = partial(references.Transformer2017, VOCABULARY, WIDTH, tied, **shape)
    return Variant("Transformer (2017)", build, Translating(start=1), partial(written, config))


def recurrent(cell: str, looks: str, layers: int) -> Variant:
    hidden = 24
    config = {"model_type": "recurrent", "vocab_size": VOCABULARY, "embedding_size": WIDTH, "hidden_size": hidden}
    config |= {"num_layers": layers, "cell": cell, "attention": looks, "decoder_start_token_id": 1, "pad_token_id": 0}
    build = partial(references.RecurrentReference, cell, looks, VOCABULARY, WIDTH, hidden, layers)
    return Variant(cell.upper(), build, Translating(start=1), partial(written, config))


TRANSLATING = {
    "t5": t5(),
    "t5-gated": t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False),
    "t5-uneven": t5(
        num_decoder_layers=3, d_kv=12, relative_attention_num_buckets=8, relative_attention_max_distance=12
    ),
    "transformer": transformer(),
    "transformer-norm-first": transformer(tied=False, first=True),
    "transformer-untied": transformer(tied=False, encoder=1, decoder=3),
    **{
        f"{cell}-{looks}": recurrent(cell, looks, layers)
        for cell in ("rnn", "lstm", "gru")
        for looks, layers in (("none", 2), ("bahdanau", 2), ("luong", 1))
    },
}  # fmt: skip


# Pictures


def vit(network: Any, classes: bool) -> Variant:
    shape = {
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
    }
    config = partial(T.ViTConfig, image_size=32, patch_size=8, num_labels=6, **shape)
    return Variant("ViT", lambda: network(config()), Seeing(classes))


def towers(family: str, network: Any, config: Any, end: int = END, **text: Any) -> Variant:
    shape = {
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
    }
    words = {**shape, "vocab_size": VOCABULARY, "max_position_embeddings": 32, **text}
    sees = {**shape, "hidden_size": 24, "image_size": 32, "patch_size": 8}

    def build() -> Any:
        return network(config(text_config=words, vision_config=sees, projection_dim=20))

    return Variant(family, build, Meeting(end=end))


SEEING = {
    "vit": vit(T.ViTForImageClassification, classes=True),
    "vit-bare": vit(T.ViTModel, classes=False),
    "clip": towers("CLIP", T.CLIPModel, T.CLIPConfig, end=50, bos_token_id=1, eos_token_id=50),
    "clip-old-end": towers("CLIP", T.CLIPModel, T.CLIPConfig, bos_token_id=0, eos_token_id=2),
    "chinese-clip": towers("Chinese-CLIP", T.ChineseCLIPModel, T.ChineseCLIPConfig, pad_token_id=0),
}

VARIANTS: dict[str, Variant] = {**CONTINUING, **READING, **TRANSLATING, **SEEING}
assert LENGTH > 24  # rotary positions are stretched only on texts longer than the original context
