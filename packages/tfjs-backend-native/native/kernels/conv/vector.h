// The transforms of Winograd's convolution on vectors of channels, for avx2.cc, avx512.cc and
// neon.cc. The matrices are those of serial.cc. Points ±p share their even and odd parts.
#pragma once

#include "kernels/conv/winograd.h"
#include "kernels/vec.h"

namespace easel {
namespace {

constexpr float point_a = winograd_a, point_b = winograd_b, square_a = point_a * point_a, square_b = point_b * point_b;
/// Factors of the rows of G: 1 over the product of the differences to the other points.
constexpr float at_0 = 1 / (square_a * square_b), at_a = 1 / (2 * square_a * (square_a - square_b)), at_b = 1 / (2 * square_b * (square_b - square_a));

/// e + p·o and e − p·o.
static inline void both(vf e, vf o, float p, vf* plus, vf* minus) {
  *plus = fma(set(p), o, e);
  *minus = fnma(set(p), o, e);
}

/// out = Bᵀ in.
static inline void input_points(const vf in[6], vf out[6]) {
  const vf aa = set(square_a), bb = set(square_b), both_squares = set(square_a + square_b), product = set(square_a * square_b);
  out[0] = fma(product, in[0], fnma(both_squares, in[2], in[4]));
  both(fnma(bb, in[2], in[4]), fnma(bb, in[1], in[3]), point_a, &out[1], &out[2]);
  both(fnma(aa, in[2], in[4]), fnma(aa, in[1], in[3]), point_b, &out[3], &out[4]);
  out[5] = fma(product, in[1], fnma(both_squares, in[3], in[5]));
}

/// out = G in.
static inline void filter_points(vf x, vf y, vf z, vf out[6]) {
  out[0] = mul(set(at_0), x);
  both(fma(set(at_a * square_a), z, mul(set(at_a), x)), y, at_a * point_a, &out[1], &out[2]);
  both(fma(set(at_b * square_b), z, mul(set(at_b), x)), y, at_b * point_b, &out[3], &out[4]);
  out[5] = z;
}

/// out = Aᵀ in.
static inline void output_points(const vf in[6], vf out[4]) {
  const vf even_a = add(in[1], in[2]), odd_a = sub(in[1], in[2]), even_b = add(in[3], in[4]), odd_b = sub(in[3], in[4]);
  out[0] = add(in[0], add(even_a, even_b));
  out[1] = fma(set(point_a), odd_a, mul(set(point_b), odd_b));
  out[2] = fma(set(square_a), even_a, mul(set(square_b), even_b));
  out[3] = fma(set(square_a * point_a), odd_a, fma(set(square_b * point_b), odd_b, in[5]));
}

/// out = A in.
static inline void output_points_adjoint(const vf in[4], vf out[6]) {
  out[0] = in[0];
  both(fma(set(square_a), in[2], in[0]), fma(set(square_a), in[3], in[1]), point_a, &out[1], &out[2]);
  both(fma(set(square_b), in[2], in[0]), fma(set(square_b), in[3], in[1]), point_b, &out[3], &out[4]);
  out[5] = in[3];
}

/// out = Gᵀ in.
static inline void filter_points_adjoint(const vf in[6], vf out[3]) {
  const vf even_a = add(in[1], in[2]), odd_a = sub(in[1], in[2]), even_b = add(in[3], in[4]), odd_b = sub(in[3], in[4]);
  out[0] = fma(set(at_0), in[0], fma(set(at_a), even_a, mul(set(at_b), even_b)));
  out[1] = fma(set(at_a * point_a), odd_a, mul(set(at_b * point_b), odd_b));
  out[2] = fma(set(at_a * square_a), even_a, fma(set(at_b * square_b), even_b, in[5]));
}

/// Transforms one vector of channels. Load(p) reads from x; results are stored whole.
template <typename Load>
static inline void input_vector(float* v, int64_t v_step, const float* x, int64_t x_row, int64_t x_pixel, Load read) {
  vf half[6][6];  // half[j] = Bᵀ column j of d
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) {
    const float* const column = x + j * x_pixel;
    vf in[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) in[i] = read(column + i * x_row);
    input_points(in, half[j]);
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; i++) {
    const vf in[6] = {half[0][i], half[1][i], half[2][i], half[3][i], half[4][i], half[5][i]};
    vf out[6];
    input_points(in, out);
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) store(v + (i * 6 + j) * v_step, out[j]);
  }
}

void input(float* v, int64_t v_step, const float* x, int64_t x_row, int64_t x_pixel, int64_t channels) {
  for_vectors(
      channels, [&](int64_t c) { input_vector(v + c, v_step, x + c, x_row, x_pixel, [](const float* p) { return load(p); }); },
      [&](int64_t c, int64_t count) {
        input_vector(v + c, v_step, x + c, x_row, x_pixel, [count](const float* p) { return load_first(p, count); });
      });
}

template <typename Load>
static inline void filter_vector(float* u, int64_t u_step, const float* f, int64_t f_tap, Load read) {
  vf half[3][6];  // half[j] = G column j of g
#pragma GCC unroll 3
  for (int j = 0; j < 3; j++) filter_points(read(f + j * f_tap), read(f + (3 + j) * f_tap), read(f + (6 + j) * f_tap), half[j]);
#pragma GCC unroll 6
  for (int i = 0; i < 6; i++) {
    vf out[6];
    filter_points(half[0][i], half[1][i], half[2][i], out);
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) store(u + (i * 6 + j) * u_step, out[j]);
  }
}

void filter(float* u, int64_t u_step, int64_t u_row, const float* f, int64_t f_tap, int64_t f_row, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++, u += u_row, f += f_row) {
    for_vectors(
        columns, [&](int64_t j) { filter_vector(u + j, u_step, f + j, f_tap, [](const float* p) { return load(p); }); },
        [&](int64_t j, int64_t count) { filter_vector(u + j, u_step, f + j, f_tap, [count](const float* p) { return load_first(p, count); }); });
  }
}

template <typename Store>
static inline void output_vector(float* y, int64_t y_row, int64_t y_pixel, int rows, int columns, const float* m, int64_t m_step, vf bias, bool relu, Store write) {
  vf half[6][4];  // half[j] = Aᵀ column j of m
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) {
    vf in[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) in[i] = load(m + (i * 6 + j) * m_step);
    output_points(in, half[j]);
  }
  const vf lowest = set(relu ? 0.0f : -__builtin_inff());
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    if (i >= rows) break;
    const vf in[6] = {half[0][i], half[1][i], half[2][i], half[3][i], half[4][i], half[5][i]};
    vf out[4];
    output_points(in, out);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      if (j < columns) write(y + i * y_row + j * y_pixel, max_second(lowest, add(out[j], bias)));
    }
  }
}

void output(float* y, int64_t y_row, int64_t y_pixel, int rows, int columns, const float* m, int64_t m_step, int64_t channels, const float* bias, bool relu) {
  for_vectors(
      channels,
      [&](int64_t c) {
        output_vector(y + c, y_row, y_pixel, rows, columns, m + c, m_step, bias ? load(bias + c) : zero(), relu, [](float* p, vf x) { store(p, x); });
      },
      [&](int64_t c, int64_t count) {
        output_vector(y + c, y_row, y_pixel, rows, columns, m + c, m_step, bias ? load_first(bias + c, count) : zero(), relu,
                      [count](float* p, vf x) { store_first(p, count, x); });
      });
}

template <typename Load>
static inline void output_vector_adjoint(float* w, int64_t w_step, const float* dy, int64_t dy_row, int64_t dy_pixel, Load read) {
  vf half[4][6];  // half[j] = A column j of dY
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const float* const column = dy + j * dy_pixel;
    const vf in[4] = {read(column), read(column + dy_row), read(column + 2 * dy_row), read(column + 3 * dy_row)};
    output_points_adjoint(in, half[j]);
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; i++) {
    const vf in[4] = {half[0][i], half[1][i], half[2][i], half[3][i]};
    vf out[6];
    output_points_adjoint(in, out);
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) store(w + (i * 6 + j) * w_step, out[j]);
  }
}

void output_adjoint(float* w, int64_t w_step, const float* dy, int64_t dy_row, int64_t dy_pixel, int64_t channels) {
  for_vectors(
      channels, [&](int64_t c) { output_vector_adjoint(w + c, w_step, dy + c, dy_row, dy_pixel, [](const float* p) { return load(p); }); },
      [&](int64_t c, int64_t count) {
        output_vector_adjoint(w + c, w_step, dy + c, dy_row, dy_pixel, [count](const float* p) { return load_first(p, count); });
      });
}

template <typename Store>
static inline void filter_vector_adjoint(float* df, int64_t f_tap, const float* u, int64_t u_step, Store write) {
  vf half[6][3];  // half[j] = Gᵀ column j of u
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) {
    vf in[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) in[i] = load(u + (i * 6 + j) * u_step);
    filter_points_adjoint(in, half[j]);
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; i++) {
    const vf in[6] = {half[0][i], half[1][i], half[2][i], half[3][i], half[4][i], half[5][i]};
    vf out[3];
    filter_points_adjoint(in, out);
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) write(df + (i * 3 + j) * f_tap, out[j]);
  }
}

void filter_adjoint(float* df, int64_t f_tap, int64_t f_row, const float* u, int64_t u_step, int64_t u_row, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++, df += f_row, u += u_row) {
    for_vectors(
        columns, [&](int64_t j) { filter_vector_adjoint(df + j, f_tap, u + j, u_step, [](float* p, vf x) { store(p, x); }); },
        [&](int64_t j, int64_t count) { filter_vector_adjoint(df + j, f_tap, u + j, u_step, [count](float* p, vf x) { store_first(p, count, x); }); });
  }
}

}  // namespace
}  // namespace easel
