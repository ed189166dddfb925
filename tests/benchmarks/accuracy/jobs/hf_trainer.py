"""A tiny GPT-2 trained by transformers' Trainer with its defaults."""

from _tiny import emit_trained, samples, seed_all
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments


def trained(accumulate=1):
    """Return the model and the loss of each epoch; rows differ in length, as texts do."""
    seed_all()
    rows, labels = samples()
    lengths = [8 + int(label) for label in labels]
    made = [{"input_ids": row, "labels": row.clone()} for row in rows]
    for one, length in zip(made, lengths, strict=False):
        one["labels"][length:] = -100
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=32)
    )
    arguments = TrainingArguments(
        output_dir="out",
        num_train_epochs=2,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=accumulate,
        learning_rate=1e-3,
        logging_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=made)
    trainer.train()
    return model, [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def main():
    emit_trained(*trained())


if __name__ == "__main__":
    main()
