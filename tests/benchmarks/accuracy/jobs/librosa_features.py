"""librosa: a made sound resampled, transformed, and turned into features."""

import math
import warnings

import librosa
import numpy as np
import soundfile
from _common import emit

warnings.simplefilter("ignore")
RATE = 22050


def tone(hertz):
    """Return two seconds of a tone, by the C library's sine: NumPy's own differs by release."""
    return np.array([math.sin(2 * math.pi * hertz * step / RATE) for step in range(2 * RATE)])


NOISE = np.random.RandomState(3).standard_normal(2 * RATE)
SOUND = (0.5 * tone(220) * (1 + tone(3)) + 0.05 * NOISE).astype(np.float32)


def loaded():
    """Return the sound read back at another rate: what a data set of recordings goes through."""
    soundfile.write("sound.wav", SOUND, RATE)
    return librosa.load("sound.wav", sr=16000)[0]


SECTIONS = {
    "load": loaded,
    "resample": lambda: librosa.resample(SOUND, orig_sr=RATE, target_sr=16000),
    "stft": lambda: np.abs(librosa.stft(SOUND)),
    "mel": lambda: librosa.feature.melspectrogram(y=SOUND, sr=RATE),
    "mel-decibel": lambda: librosa.power_to_db(librosa.feature.melspectrogram(y=SOUND, sr=RATE)),
    "mfcc": lambda: librosa.feature.mfcc(y=SOUND, sr=RATE),
    "chroma": lambda: librosa.feature.chroma_stft(y=SOUND, sr=RATE),
    "centroid": lambda: librosa.feature.spectral_centroid(y=SOUND, sr=RATE),
    "crossings": lambda: librosa.feature.zero_crossing_rate(SOUND),
    "onsets": lambda: librosa.onset.onset_strength(y=SOUND, sr=RATE),
    "tempo": lambda: np.atleast_1d(librosa.beat.beat_track(y=SOUND, sr=RATE)[0]),
    "pitch": lambda: librosa.yin(SOUND, fmin=80, fmax=400),
    "stretched": lambda: librosa.effects.time_stretch(SOUND, rate=1.2),
    "shifted": lambda: librosa.effects.pitch_shift(SOUND, sr=RATE, n_steps=2),
    "harmonic": lambda: librosa.effects.harmonic(SOUND),
    "trimmed": lambda: librosa.effects.trim(SOUND, top_db=20)[0],
    "constant-q": lambda: np.abs(librosa.cqt(SOUND, sr=RATE)),
    "inverse": lambda: librosa.istft(librosa.stft(SOUND)),
}


def main():
    emit(sections={name: np.asarray(work()) for name, work in SECTIONS.items()})


if __name__ == "__main__":
    main()
