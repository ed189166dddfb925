"""The same as hf_trainer.py, with gradients of four batches added up before each step."""

from _tiny import emit_trained
from hf_trainer import trained


def main():
    emit_trained(*trained(accumulate=4))


if __name__ == "__main__":
    main()
