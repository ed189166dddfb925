"""spaCy: a blank pipeline that learns to tell two kinds of made texts, and one of tokens alone."""

import random
import warnings

import numpy as np
import spacy
from _common import emit
from spacy.training import Example

warnings.simplefilter("ignore")
GOOD = ("fine", "lovely", "warm", "bright")
BAD = ("dull", "cold", "broken", "sour")
REST = ("a", "day", "the", "was", "soup", "we've", "had", "road.", "it's", "(so)", "10km")


def texts(count=60):
    draw = random.Random(1)
    for index in range(count):
        own = GOOD if index % 2 else BAD
        words = [draw.choice(REST) for _ in range(6)] + [draw.choice(own) for _ in range(2)]
        draw.shuffle(words)
        yield " ".join(words), {"cats": {"GOOD": float(index % 2), "BAD": float(1 - index % 2)}}


def trained():
    spacy.util.fix_random_seed(1)
    pipeline = spacy.blank("en")
    pipeline.add_pipe("textcat")
    examples = [Example.from_dict(pipeline.make_doc(text), notes) for text, notes in texts()]
    optimizer = pipeline.initialize(lambda: examples)
    losses = []
    for _ in range(4):
        loss = {}
        for batch in spacy.util.minibatch(examples, size=8):
            pipeline.update(batch, sgd=optimizer, losses=loss, drop=0.2)
        losses.append(loss["textcat"])
    return np.array(losses), np.array(
        [pipeline(text).cats["GOOD"] for text, _ in texts()], dtype=np.float32
    )


def tokens():
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    found = [token.text for text, _ in texts() for token in pipeline(text)]
    return "\n".join(found).encode()


def main():
    losses, chances = trained()
    emit(sections={"losses": losses, "chances": chances, "tokens": tokens()})


if __name__ == "__main__":
    main()
