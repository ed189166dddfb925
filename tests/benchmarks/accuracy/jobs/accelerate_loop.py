"""A PyTorch network trained through accelerate: prepared loader and optimizer, accumulation."""

import torch
from _tiny import emit_trained, samples, seed_all
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    seed_all()
    set_seed(3)
    accelerator = Accelerator(gradient_accumulation_steps=2, cpu=True)
    model = nn.Sequential(
        nn.Embedding(100, 32), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24 * 32, 10)
    )
    loader = DataLoader(TensorDataset(*samples()), batch_size=20, shuffle=True)
    model, optimizer, loader = accelerator.prepare(
        model, torch.optim.AdamW(model.parameters(), lr=1e-3), loader
    )
    losses = []
    for _ in range(2):
        steps = []
        for rows, labels in loader:
            with accelerator.accumulate(model):
                loss = nn.functional.cross_entropy(model(rows), labels)
                accelerator.backward(loss)
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
            steps.append(loss.item())
        losses.append(sum(steps) / len(steps))
    emit_trained(model, losses)


if __name__ == "__main__":
    main()
