"""An embedding, an LSTM, attention and dropout on made sequences, in Keras."""

from _common import word_samples
from keras_cnn import compile_classifier, emit_trained, keras, seed_all


def network():
    layers = keras.layers
    rows = keras.Input((24,), dtype="int32")
    steps = layers.LSTM(48, return_sequences=True)(layers.Embedding(100, 32)(rows))
    steps = layers.Dropout(0.2)(steps)
    seen = layers.MultiHeadAttention(num_heads=4, key_dim=12, dropout=0.1)(steps, steps)
    steps = layers.LayerNormalization()(layers.Add()([steps, seen]))
    return keras.Model(rows, layers.Dense(10)(layers.GlobalAveragePooling1D()(steps)))


def main():
    seed_all()
    model = network()
    compile_classifier(model, rate=5e-3)
    emit_trained(model, model.fit(*word_samples(), batch_size=32, epochs=2, verbose=0))


if __name__ == "__main__":
    main()
