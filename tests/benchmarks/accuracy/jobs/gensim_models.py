"""gensim: word and document vectors, topics and a dictionary, each learnt by one worker."""

import logging
import warnings

import numpy as np
from _common import emit
from gensim import corpora, models

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
DRAW = np.random.RandomState(5)
TEXTS = [[f"w{word}" for word in DRAW.zipf(1.5, 20) % 60] for _ in range(300)]
OPTIONS = {"vector_size": 24, "seed": 1, "workers": 1, "min_count": 2}


def plain_hash(text):
    """Hash the same in every process: gensim's default, `hash`, depends on PYTHONHASHSEED."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 2**31


def documents():
    tagged = [models.doc2vec.TaggedDocument(text, [n]) for n, text in enumerate(TEXTS[:100])]
    model = models.Doc2Vec(tagged, epochs=3, hashfxn=plain_hash, **OPTIONS)
    return np.stack([model.dv[n] for n in range(100)])


def topics():
    known = corpora.Dictionary(TEXTS)
    bags = [known.doc2bow(text) for text in TEXTS]
    lda = models.LdaModel(bags, num_topics=4, id2word=known, random_state=1)
    return lda.get_topics()


def weighted():
    known = corpora.Dictionary(TEXTS)
    bags = [known.doc2bow(text) for text in TEXTS]
    tfidf = models.TfidfModel(bags)
    return np.array([weight for bag in bags for _, weight in tfidf[bag]])


def main():
    words = models.Word2Vec(TEXTS, epochs=3, hashfxn=plain_hash, **OPTIONS).wv
    gram = models.Word2Vec(TEXTS, epochs=3, sg=1, hs=1, hashfxn=plain_hash, **OPTIONS).wv
    emit(
        sections={
            "words": words.vectors,
            "skip-gram": gram.vectors,
            "order": " ".join(words.index_to_key).encode(),
            "documents": documents(),
            "topics": topics(),
            "tf-idf": weighted(),
        }
    )


if __name__ == "__main__":
    main()
