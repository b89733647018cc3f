#include <cmath>

#include "kernels/norm/norm.h"

namespace easel {
namespace {

void layer_row(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t width, float epsilon, bool rms) {
  double sum = 0, squares = 0;
  if (!rms) {
    for (int64_t i = 0; i < width; i++) sum += x[i];
  }
  const float m = static_cast<float>(sum / width);
  for (int64_t i = 0; i < width; i++) squares += static_cast<double>(x[i] - m) * (x[i] - m);
  const float r = static_cast<float>(1 / std::sqrt(squares / width + epsilon));
  for (int64_t i = 0; i < width; i++) y[i] = (x[i] - m) * r * (scale ? scale[i] : 1) + (bias ? bias[i] : 0);
  *mean = m;
  *rstd = r;
}

void layer_rows(float* y, float* mean, float* rstd, const float* x, const float* scale, const float* bias, int64_t rows, int64_t width, float epsilon,
                bool rms, bool) {
  for (int64_t r = 0; r < rows; r++) layer_row(y + r * width, mean + r, rstd + r, x + r * width, scale, bias, width, epsilon, rms);
}

void layer_grad_row(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, float mean, float rstd,
                    int64_t width, bool rms) {
  double sum = 0, dot = 0;
  for (int64_t i = 0; i < width; i++) {
    const float normal = (x[i] - mean) * rstd, g = dy[i] * (scale ? scale[i] : 1);
    sum += g;
    dot += g * normal;
    if (dscale) dscale[i] += dy[i] * normal;
    if (dbias) dbias[i] += dy[i];
  }
  const float average = rms ? 0 : static_cast<float>(sum / width), along = static_cast<float>(dot / width);
  for (int64_t i = 0; i < width; i++) {
    const float normal = (x[i] - mean) * rstd, g = dy[i] * (scale ? scale[i] : 1);
    dx[i] = rstd * (g - average - normal * along);
  }
}

void layer_grad_rows(float* dx, float* dscale, float* dbias, const float* dy, const float* x, const float* scale, const float* mean, const float* rstd,
                     int64_t rows, int64_t width, bool rms, bool) {
  for (int64_t r = 0; r < rows; r++) layer_grad_row(dx + r * width, dscale, dbias, dy + r * width, x + r * width, scale, mean[r], rstd[r], width, rms);
}

void square_deviations(float* sum, const float* x, const float* mean, int64_t rows, int64_t channels) {
  for (int64_t c = 0; c < channels; c++) {
    double total = 0;
    for (int64_t r = 0; r < rows; r++) {
      const double d = x[r * channels + c] - mean[c];
      total += d * d;
    }
    sum[c] = static_cast<float>(total);
  }
}

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

void normalize_rows(float* y, const float* x, const float* mean, const float* factor, const float* bias, int64_t rows, int64_t channels,
                    bool swish, bool) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < channels; c++) {
      const float z = (x[r * channels + c] - mean[c]) * factor[c] + bias[c];
      y[r * channels + c] = swish ? z * sigmoid(z) : z;
    }
  }
}

void grad_sums(float* sum1, float* sum2, float* dz, const float* dy, const float* x, const float* mean, const float* rstd, const float* scale,
               const float* bias, int64_t rows, int64_t channels, bool swish) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < channels; c++) {
      const int64_t i = r * channels + c;
      const float normal = (x[i] - mean[c]) * rstd[c];
      float d = dy[i];
      if (swish) {
        const float z = normal * scale[c] + bias[c], s = sigmoid(z);
        d *= s + z * s * (1 - s);
        if (dz) dz[i] = d;
      }
      sum1[c] += d;
      sum2[c] += d * normal;
    }
  }
}

void grad_rows(float* dx, const float* dz, const float* x, const float* mean, const float* a, const float* b, const float* c, const float* rstd,
               const float* scale, const float* bias, int64_t rows, int64_t channels, bool) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t j = 0; j < channels; j++) {
      const int64_t i = r * channels + j;
      float d = dz[i];
      if (rstd) {
        const float z = (x[i] - mean[j]) * rstd[j] * scale[j] + bias[j], s = sigmoid(z);
        d *= s + z * s * (1 - s);
      }
      dx[i] = d * a[j] - b[j] - (x[i] - mean[j]) * c[j];
    }
  }
}

}  // namespace

const NormKernels norm_serial = {layer_rows, layer_grad_rows, square_deviations, normalize_rows, grad_sums, grad_rows};

}  // namespace easel
