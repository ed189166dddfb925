"""A small nn.TransformerEncoder with dropout and LayerNorm, trained by Adam in PyTorch."""

import torch
from _common import word_samples
from torch import nn
from torch_cnn import emit_trained, seed_all, train


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(100, 64)
        layer = nn.TransformerEncoderLayer(64, nhead=4, dim_feedforward=128, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.scores = nn.Linear(64, 10)

    def forward(self, rows):
        return self.scores(self.encoder(self.words(rows)).mean(dim=1))


def main():
    seed_all()
    model = Classifier()
    rows, labels = (torch.from_numpy(part).long() for part in word_samples())

    def batches():
        for order in torch.randperm(len(rows)).split(32):
            yield rows[order], labels[order]

    emit_trained(model, train(model, batches, epochs=2))


if __name__ == "__main__":
    main()
