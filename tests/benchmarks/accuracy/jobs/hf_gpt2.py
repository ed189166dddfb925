"""A tiny GPT-2 that continues rows of words, trained in a plain loop."""

from _tiny import continued, emit_trained, seed_all, train
from transformers import GPT2Config, GPT2LMHeadModel


def main():
    seed_all()
    config = GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=32)
    model = GPT2LMHeadModel(config)
    emit_trained(model, train(model, continued))


if __name__ == "__main__":
    main()
