// The discrete Fourier transform of rows of complex numbers:
// y[r,k] = Σ_j x[r,j] · exp(∓2πi·jk/length), − forward, + inverse; the inverse is divided by length.
//
// Real and imaginary parts are arrays of their own. Sums are taken in double precision, by PocketFFT
// (third_party/pocketfft): radix 2, 3, 4, 5, 7, 11 and Bluestein's method, so any length takes
// O(length·log length).
#pragma once

#include <cstdint>

namespace easel {

/// All arrays hold rows · length floats; outputs may be the inputs. Rows are shared out among
/// threads. Returns false if there is no memory.
bool fourier(float* y_real, float* y_imaginary, const float* x_real, const float* x_imaginary, int64_t rows, int64_t length, bool inverse);

}  // namespace easel
