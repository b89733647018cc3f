"""make-fourier.py FILE: Fourier transforms by numpy, for the tests of tfjs-backend-native (src/kernels/golden/fourier.json).

Inputs are whole numbers that a formula gives, divided by 1009 and rounded to float32; numpy transforms them in double
precision. Of long transforms some places are kept. numpy 2.4.
"""

import json
import sys

import numpy as np

LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 16, 17, 30, 49, 97, 121, 143, 1009, 1024, 2310, 2027, 44100]
WHOLE = 30


def numbers(count, seed):
    j = np.arange(count, dtype=np.int64)
    return (((j * 7919 + 13 * j * j + 401 * seed) % 1009) / 1009 - 0.5).astype(np.float32)


def case(length):
    x = numbers(length, 1).astype(np.float64) + 1j * numbers(length, 2).astype(np.float64)
    places = sorted({int(p) for p in (range(length) if length <= WHOLE else np.linspace(0, length - 1, 9))})
    parts = lambda y: {"real": [float(y[p].real) for p in places], "imag": [float(y[p].imag) for p in places]}
    return {"length": length, "places": places, "forward": parts(np.fft.fft(x)), "inverse": parts(np.fft.ifft(x))}


with open(sys.argv[1], "w") as file:
    json.dump({"numpy": np.__version__, "cases": [case(length) for length in LENGTHS]}, file)
    file.write("\n")
