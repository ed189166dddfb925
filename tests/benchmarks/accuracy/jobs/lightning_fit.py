"""A network trained by Lightning's Trainer, seeded by it, with a metric of torchmetrics."""

import logging
import warnings

import lightning
import torch
import torchmetrics
from _tiny import emit_trained, samples
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Classifier(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Embedding(100, 32), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24 * 32, 10)
        )
        self.accuracy = torchmetrics.classification.MulticlassAccuracy(10)
        self.losses = []
        self.steps = []

    def training_step(self, batch, index):
        rows, labels = batch
        loss = nn.functional.cross_entropy(self.layers(rows), labels)
        self.steps.append(loss.item())
        return loss

    def validation_step(self, batch, index):
        rows, labels = batch
        self.log("accuracy", self.accuracy(self.layers(rows), labels))

    def on_train_epoch_end(self):
        self.losses.append(sum(self.steps) / len(self.steps))
        self.steps.clear()

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]


def main():
    lightning.seed_everything(7, workers=True)
    model = Classifier()
    training, held = random_split(TensorDataset(*samples()), [200, 56])
    trainer = lightning.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=1.0,
        accumulate_grad_batches=2,
    )
    trainer.fit(
        model, DataLoader(training, batch_size=16, shuffle=True), DataLoader(held, batch_size=16)
    )
    emit_trained(model, model.losses)


if __name__ == "__main__":
    main()
