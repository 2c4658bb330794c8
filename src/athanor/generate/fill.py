"""Filling masks: the likeliest word for every mask of a text, all at once (Devlin et al. 2018, §3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from athanor.core.errors import InputError
from athanor.models.encoder import Encoder
from athanor.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class Filled:
    """A text whose masks were filled."""

    text: str
    prompt_tokens: int
    ids: list[int]
    """What was put in the masks' place, in order."""
    logprobs: list[float]


def _trimmed(tokenizer: Tokenizer, mask: int, parts: list[str]) -> list[str]:
    """The texts between masks without the spaces that a mask takes with it, such as RoBERTa's the one in front."""
    token = tokenizer.backend.get_added_tokens_decoder().get(mask)
    if token is not None and token.lstrip:
        parts = [*(part.rstrip() for part in parts[:-1]), parts[-1]]
    if token is not None and token.rstrip:
        parts = [parts[0], *(part.lstrip() for part in parts[1:])]
    return parts


@torch.inference_mode()
def fill(network: Encoder, tokenizer: Tokenizer, text: str) -> Filled:
    """The text with the likeliest word for each mask. Raises InputError for a text without a mask, or too long."""
    mask = tokenizer.mask
    if network.spec.head != "masked" or mask is None:
        raise InputError(
            f"This {network.spec.family} encoder has no head that fills masks, or its tokenizer no mask.",
            value=network.spec.head,
            limit="masked",
            remedy="Use a checkpoint with a masked head, such as BertForMaskedLM.",
        )
    name = tokenizer.decode([mask])
    parts = text.split(name)
    if len(parts) == 1:
        raise InputError(
            f"The text has no {name} to fill.",
            value=text[:200],
            limit=name,
            remedy=f"Put {name} where a word is missing.",
        )
    pieces = tokenizer.encode_many(_trimmed(tokenizer, mask, parts))
    ids = [*tokenizer.before, *pieces[0]]
    for piece in pieces[1:]:  # only masks are control tokens: the names of others in a text are text
        ids += [mask, *piece]
    ids += tokenizer.after
    if len(ids) > network.spec.context:
        raise InputError(
            f"The text has {len(ids)} tokens; this model reads {network.spec.context}.",
            value=len(ids),
            limit=network.spec.context,
            remedy="Shorten the text.",
        )
    logits = network.head(network(torch.tensor([ids])))[0].float()  # (T, V)
    places = [place for place, number in enumerate(ids) if number == mask]
    scores = torch.log_softmax(logits[places], dim=-1)
    best = scores.argmax(dim=-1).tolist()
    whole = list(ids)
    for place, number in zip(places, best, strict=True):
        whole[place] = number
    logprobs = [float(row[number]) for row, number in zip(scores, best, strict=True)]
    return Filled(tokenizer.decode(whole, specials=False), len(ids), best, logprobs)
