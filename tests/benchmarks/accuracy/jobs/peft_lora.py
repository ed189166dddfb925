"""A tiny GPT-2 with LoRA adapters of peft, which alone are trained."""

from _tiny import continued, emit_trained, seed_all, train
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel


def main():
    seed_all()
    config = GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=32)
    lora = LoraConfig(
        r=4, lora_alpha=8, lora_dropout=0.1, target_modules=["c_attn"], task_type="CAUSAL_LM",
        fan_in_fan_out=True,
    )  # fmt: skip
    model = get_peft_model(GPT2LMHeadModel(config), lora)
    emit_trained(model, train(model, continued))


if __name__ == "__main__":
    main()
