"""tokenizers: a vocabulary learnt from made words, and what it and given ones make of others.

Only BPE is learnt: the trainers of WordPiece and Unigram break ties by chance in every process.
"""

import random

import numpy as np
from _common import emit
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

SYLLABLES = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "is")]


def text(count, seed):
    """Return lines of words made of syllables, so that pieces occur again."""
    draw = random.Random(seed)

    def word():
        return "".join(draw.choice(SYLLABLES) for _ in range(draw.randint(1, 4)))

    return [" ".join(word() for _ in range(12)) for _ in range(count)]


def learnt():
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(text(400, 1), trainer)
    return tokenizer


def given(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def pieces(tokenizer):
    found = [piece for one in tokenizer.encode_batch(text(100, 2)) for piece in one.ids]
    return np.array(found, dtype=np.int64)


def main():
    letters = sorted(set("".join(SYLLABLES)))
    words = ["[UNK]", *letters, *SYLLABLES, *("##" + one for one in (*letters, *SYLLABLES))]
    numbered = {word: number for number, word in enumerate(dict.fromkeys(words))}
    scored = [(word, -float(n + 1)) for n, word in enumerate((*SYLLABLES, *letters))]
    bpe = learnt()
    vocabulary = sorted(bpe.get_vocab().items(), key=lambda item: item[1])
    emit(
        sections={
            "bpe": pieces(bpe),
            "bpe-vocabulary": "\n".join(piece for piece, _ in vocabulary).encode(),
            "word-piece": pieces(given(models.WordPiece(numbered, unk_token="[UNK]"))),
            "unigram": pieces(given(models.Unigram(scored, 0))),
        }
    )


if __name__ == "__main__":
    main()
