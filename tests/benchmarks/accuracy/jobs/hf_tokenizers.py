"""tokenizers: vocabularies learnt from made words, and what they make of further words."""

import random

import numpy as np
from _common import emit
from tokenizers import Tokenizer, models, pre_tokenizers, trainers


def text(count, seed):
    """Return lines of words made of syllables, so that pieces occur again."""
    draw = random.Random(seed)
    syllables = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "is")]

    def word():
        return "".join(draw.choice(syllables) for _ in range(draw.randint(1, 4)))

    return [" ".join(word() for _ in range(12)) for _ in range(count)]


def learnt(model, trainer):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(text(400, 1), trainer)
    return tokenizer


def main():
    special = ["[UNK]"]
    made = {
        "bpe": learnt(
            models.BPE(unk_token="[UNK]"),
            trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False),
        ),
        "word-piece": learnt(
            models.WordPiece(unk_token="[UNK]"),
            trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False),
        ),
        "unigram": learnt(
            models.Unigram(),
            trainers.UnigramTrainer(
                vocab_size=300, special_tokens=special, unk_token="[UNK]", show_progress=False
            ),
        ),
    }
    lines = text(100, 2)
    found = {}
    for name, tokenizer in made.items():
        pieces = [piece for one in tokenizer.encode_batch(lines) for piece in one.ids]
        found[name] = np.array(pieces, dtype=np.int64)
        vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
        found[name + "-vocabulary"] = "\n".join(piece for piece, _ in vocabulary).encode()
    emit(sections=found)


if __name__ == "__main__":
    main()
