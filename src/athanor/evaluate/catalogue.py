"""Every metric: its part, which way is better, what it is. `docs/metrics.md` is made from this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One row of the page."""

    part: str
    better: str
    meaning: str


METRICS = {
    "bits_per_byte": Metric(
        "quality", "lower", "−log₂ p of all predicted held-out tokens over the UTF-8 bytes they stand for"
    ),
    "perplexity": Metric("quality", "lower", "exp of the held-out loss; compares models of one tokenizer only"),
    "repetition": Metric(
        "quality", "lower", "share of a sample's 4-grams that occurred in it before (Welleck et al. 2020)"
    ),
    "exact_match": Metric(
        "quality", "higher", "share of answers equal to the expected one after normalising (SQuAD; Chinese: NFKC)"
    ),
    "token_precision": Metric("quality", "higher", "share of the answer's tokens that the expected answer has"),
    "token_recall": Metric("quality", "higher", "share of the expected answer's tokens that the answer has"),
    "token_f1": Metric(
        "quality", "higher", "harmonic mean of the two above; Chinese tokens are characters, numbers, Latin words"
    ),
    "distinct_1": Metric("diversity", "higher", "different words over all words of the samples (Li et al. 2016)"),
    "distinct_2": Metric("diversity", "higher", "the same for pairs of words"),
    "self_bleu": Metric("diversity", "lower", "mean BLEU-4 of each sample against all others (Zhu et al. 2018)"),
    "first_token_seconds": Metric("speed", "lower", "from the request to its first token, one stream"),
    "tokens_per_second": Metric("speed", "higher", "after the first token, one stream"),
    "peak_memory_bytes": Metric("speed", "lower", "largest resident size of the measuring process"),
    "accuracy": Metric("labels", "higher", "share of labels equal to the wanted one"),
    "precision": Metric("labels", "higher", "right ones among those given a label, mean over the labels"),
    "recall": Metric("labels", "higher", "right ones among those that have a label, mean over the labels"),
    "f1_macro": Metric("labels", "higher", "harmonic mean of a label's precision and recall, mean over the labels"),
    "f1_micro": Metric("labels", "higher", "the same over all pairs at once, which is accuracy with one label each"),
}


def page() -> str:
    """The page as Markdown."""
    lines = [
        "# Metrics",
        "",
        "Made from `athanor/evaluate/catalogue.py` by `python tools/metrics_page.py`; a test compares the two.",
        "Every figure in a report is `{value, interval, n}`. The interval covers 95 %: Wilson's for shares, a",
        "percentile bootstrap of 1,000 resamples with a fixed seed for means; a single measurement has none. A figure",
        "that cannot be had is null and carries its reason. The part `labels` is for answers out of a fixed set; no",
        "report shows it yet, `athanor.evaluate.answers` computes it (`accuracy`, `precision_recall_f1`).",
        "",
        "| metric | part | better | what it is |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| `{name}` | {item.part} | {item.better} | {item.meaning} |" for name, item in METRICS.items()]
    return "\n".join(lines) + "\n"
