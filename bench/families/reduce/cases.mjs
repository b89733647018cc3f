const reduction = (name, kind, rows, width, written) => ({
  name,
  kind,
  args: { rows, width },
  bytes: { read: 4 * rows * width, write: 4 * written },
});

export const cases = [
  reduction('sum_all_4M', 'sum_all', 2048, 2048, 1),
  reduction('sum_axis0_4M', 'sum_columns', 2048, 2048, 2048),
  reduction('sum_axis1_4M', 'sum_rows', 2048, 2048, 2048),
  reduction('mean_axis1_4M', 'mean_rows', 2048, 2048, 2048),
  reduction('max_axis1_4M', 'max_rows', 2048, 2048, 2048),
  reduction('argmax_8x16384', 'argmax', 8, 16384, 8),
  reduction('topk50_2x16384', 'topk', 2, 16384, 100),
];
