// The place of each integer of a `sizes` argument. src/addon-numbers.ts has the same lists under
// the same names; addon-numbers.test.ts compares them.
#pragma once

namespace easel {

/// Of gemm. After these come the batch's extents, then the steps of a along them, then those of b.
enum GemmSize : int { gemm_m, gemm_n, gemm_k, gemm_transpose_a, gemm_transpose_b, gemm_activation, gemm_count };

/// Of conv2d, depthwise and their gradients.
enum ConvSize : int {
  conv_batch,
  conv_in_height,
  conv_in_width,
  conv_in_channels,
  conv_out_height,
  conv_out_width,
  conv_out_channels,
  conv_filter_height,
  conv_filter_width,
  conv_stride_height,
  conv_stride_width,
  conv_pad_top,
  conv_pad_left,
  conv_dilation_height,
  conv_dilation_width,
  conv_activation,
  conv_count
};

/// Of maxPool, averagePool and their gradients.
enum PoolSize : int {
  pool_batch,
  pool_in_height,
  pool_in_width,
  pool_channels,
  pool_out_height,
  pool_out_width,
  pool_filter_height,
  pool_filter_width,
  pool_stride_height,
  pool_stride_width,
  pool_pad_top,
  pool_pad_left,
  pool_count
};

/// Of attention and attentionGrad. `keys` of the `capacity` rows of k and v count. bias_… are
/// steps. key_rows is the number of rows that k and v have along their first axis.
enum AttentionSize : int {
  attention_batch,
  attention_queries,
  attention_capacity,
  attention_keys,
  attention_heads,
  attention_width,
  attention_bias_batch,
  attention_bias_head,
  attention_bias_query,
  attention_causal,
  attention_first_query,
  attention_key_rows,
  attention_count
};

/// Of a packed matrix. axis and group are 0 where the format has none.
enum PackedMatrixSize : int { matrix_rows, matrix_columns, matrix_format, matrix_axis, matrix_group, matrix_count };

}  // namespace easel
