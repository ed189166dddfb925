"""A tiny BERT that classifies rows of words, trained in a plain loop."""

from _tiny import LAYERS, WORDS, classified, emit_trained, seed_all, train
from transformers import BertConfig, BertForSequenceClassification


def main():
    seed_all()
    model = BertForSequenceClassification(BertConfig(num_labels=10, **WORDS, **LAYERS))
    emit_trained(model, train(model, classified))


if __name__ == "__main__":
    main()
