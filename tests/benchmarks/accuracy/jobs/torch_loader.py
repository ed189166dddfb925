"""The PyTorch CNN fed by a DataLoader with two workers, which add noise from their own seeds."""

import torch
from torch.utils.data import DataLoader, Dataset
from torch_cnn import cnn, emit_trained, samples, seed_all, train


class NoisySamples(Dataset):
    def __init__(self):
        self.images, self.labels = samples()

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return image + 0.05 * torch.randn(image.shape), self.labels[index]


def main():
    seed_all()
    order = torch.Generator().manual_seed(1)
    loader = DataLoader(NoisySamples(), batch_size=64, shuffle=True, num_workers=2, generator=order)
    model = cnn()
    emit_trained(model, train(model, lambda: loader))


if __name__ == "__main__":
    main()
