"""sentence-transformers around a tiny BERT: embeddings, similarities, and a step of training."""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from _common import emit
from _tiny import LAYERS, seed_all
from sentence_transformers import InputExample, SentenceTransformer, losses, models, util
from torch.utils.data import DataLoader
from transformers import BertConfig, BertModel, BertTokenizer

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
WORDS = [f"w{number}" for number in range(95)]


def backbone():
    """Save a tiny BERT with a vocabulary of its own, and return where."""
    Path("vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    config = BertConfig(vocab_size=100, hidden_size=32, intermediate_size=64, **LAYERS)
    BertModel(config).save_pretrained("tiny")
    BertTokenizer("vocab.txt").save_pretrained("tiny")
    return "tiny"


def sentences(count):
    draw = np.random.RandomState(3)
    return [" ".join(WORDS[word] for word in draw.randint(0, 95, 12)) for _ in range(count)]


def main():
    seed_all()
    words = models.Transformer(backbone(), max_seq_length=32)
    pooled = models.Pooling(words.get_word_embedding_dimension())
    model = SentenceTransformer(modules=[words, pooled], device="cpu")
    texts = sentences(64)
    before = model.encode(texts, show_progress_bar=False)
    pairs = [
        InputExample(texts=[one, other], label=float(index % 2))
        for index, (one, other) in enumerate(zip(texts[::2], texts[1::2], strict=True))
    ]
    objective = losses.CosineSimilarityLoss(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    loader = DataLoader(pairs, batch_size=8, shuffle=True, collate_fn=model.smart_batching_collate)
    steps = []
    for features, labels in loader:
        optimizer.zero_grad()
        loss = objective(features, labels)
        loss.backward()
        optimizer.step()
        steps.append(loss.item())
    emit(
        sections={
            "embeddings": before,
            "similarities": util.cos_sim(before[:8], before).numpy(),
            "losses": np.array(steps),
            "trained": model.encode(texts, show_progress_bar=False),
        }
    )


if __name__ == "__main__":
    main()
