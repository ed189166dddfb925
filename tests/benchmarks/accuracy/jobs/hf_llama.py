"""A tiny LLaMA that continues rows of words, trained in a plain loop."""

from _tiny import LAYERS, WORDS, continued, emit_trained, seed_all, train
from transformers import LlamaConfig, LlamaForCausalLM


def main():
    seed_all()
    model = LlamaForCausalLM(LlamaConfig(num_key_value_heads=2, **WORDS, **LAYERS))
    emit_trained(model, train(model, continued))


if __name__ == "__main__":
    main()
