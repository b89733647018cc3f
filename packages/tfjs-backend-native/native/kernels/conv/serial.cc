// The transforms of Winograd's convolution as products with their matrices. They are the reference,
// and the only code on other processors.
#include "kernels/conv/winograd.h"

namespace easel {
namespace {

constexpr float a = winograd_a, b = winograd_b, aa = a * a, bb = b * b;

/// Bᵀ: row p holds the coefficients of the polynomial that vanishes on all points but p.
constexpr float input_matrix[6][6] = {
    {aa * bb, 0, -(aa + bb), 0, 1, 0}, {0, -a* bb, -bb, a, 1, 0}, {0, a* bb, -bb, -a, 1, 0},
    {0, -b* aa, -aa, b, 1, 0},         {0, b* aa, -aa, -b, 1, 0}, {0, aa* bb, 0, -(aa + bb), 0, 1}};

/// G: row p is (1, p, p²), divided by the value of that polynomial at p.
constexpr float at_0 = 1 / (aa * bb), at_a = 1 / (2 * aa * (aa - bb)), at_b = 1 / (2 * bb * (bb - aa));
constexpr float filter_matrix[6][3] = {{at_0, 0, 0},
                                       {at_a, at_a* a, at_a* aa},
                                       {at_a, -at_a* a, at_a* aa},
                                       {at_b, at_b* b, at_b* bb},
                                       {at_b, -at_b* b, at_b* bb},
                                       {0, 0, 1}};

/// Aᵀ: column p holds the powers of p.
constexpr float output_matrix[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, a, -a, b, -b, 0}, {0, aa, aa, bb, bb, 0}, {0, a* aa, -a* aa, b* bb, -b* bb, 1}};

/// out [Rows, Rows] = matrix · in · matrixᵀ, in [Columns, Columns].
template <int Rows, int Columns>
void sandwich(float* out, const float (&matrix)[Rows][Columns], const float* in) {
  float half[Rows][Columns];
  for (int i = 0; i < Rows; i++) {
    for (int j = 0; j < Columns; j++) {
      float sum = 0;
      for (int k = 0; k < Columns; k++) sum += matrix[i][k] * in[k * Columns + j];
      half[i][j] = sum;
    }
  }
  for (int i = 0; i < Rows; i++) {
    for (int j = 0; j < Rows; j++) {
      float sum = 0;
      for (int k = 0; k < Columns; k++) sum += half[i][k] * matrix[j][k];
      out[i * Rows + j] = sum;
    }
  }
}

/// out [Columns, Columns] = matrixᵀ · in · matrix, in [Rows, Rows].
template <int Rows, int Columns>
void sandwich_adjoint(float* out, const float (&matrix)[Rows][Columns], const float* in) {
  float transposed[Columns][Rows];
  for (int i = 0; i < Rows; i++) {
    for (int j = 0; j < Columns; j++) transposed[j][i] = matrix[i][j];
  }
  sandwich(out, transposed, in);
}

void input(float* v, int64_t v_step, const float* x, int64_t x_row, int64_t x_pixel, int64_t channels) {
  for (int64_t c = 0; c < channels; c++) {
    float patch[36], out[36];
    for (int i = 0; i < 36; i++) patch[i] = x[i / 6 * x_row + i % 6 * x_pixel + c];
    sandwich(out, input_matrix, patch);
    for (int k = 0; k < 36; k++) v[k * v_step + c] = out[k];
  }
}

void filter(float* u, int64_t u_step, int64_t u_row, const float* f, int64_t f_tap, int64_t f_row, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) {
      float taps[9], out[36];
      for (int t = 0; t < 9; t++) taps[t] = f[t * f_tap + i * f_row + j];
      sandwich(out, filter_matrix, taps);
      for (int k = 0; k < 36; k++) u[k * u_step + i * u_row + j] = out[k];
    }
  }
}

void output(float* y, int64_t y_row, int64_t y_pixel, int rows, int columns, const float* m, int64_t m_step, int64_t channels, const float* bias, bool relu) {
  for (int64_t c = 0; c < channels; c++) {
    float products[36], out[16];
    for (int k = 0; k < 36; k++) products[k] = m[k * m_step + c];
    sandwich(out, output_matrix, products);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        float value = out[i * 4 + j];
        if (bias) value += bias[c];
        y[i * y_row + j * y_pixel + c] = relu && value < 0 ? 0 : value;
      }
    }
  }
}

void output_adjoint(float* w, int64_t w_step, const float* dy, int64_t dy_row, int64_t dy_pixel, int64_t channels) {
  for (int64_t c = 0; c < channels; c++) {
    float tile[16], out[36];
    for (int i = 0; i < 16; i++) tile[i] = dy[i / 4 * dy_row + i % 4 * dy_pixel + c];
    sandwich_adjoint(out, output_matrix, tile);
    for (int k = 0; k < 36; k++) w[k * w_step + c] = out[k];
  }
}

void filter_adjoint(float* df, int64_t f_tap, int64_t f_row, const float* u, int64_t u_step, int64_t u_row, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) {
      float sums[36], taps[9];
      for (int k = 0; k < 36; k++) sums[k] = u[k * u_step + i * u_row + j];
      sandwich_adjoint(taps, filter_matrix, sums);
      for (int t = 0; t < 9; t++) df[t * f_tap + i * f_row + j] = taps[t];
    }
  }
}

}  // namespace

const WinogradKernels winograd_serial = {input, filter, output, output_adjoint, filter_adjoint};

}  // namespace easel
