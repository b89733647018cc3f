// Operations that only move float32 data. Bytes are read and written once.
const move = (name, kind, read, write) => ({ name, kind, bytes: { read: 4 * read, write: 4 * write } });

export const cases = [
  move('transpose_2048', 'transpose', 2 ** 22, 2 ** 22),
  move('transpose_heads_16x64x16x64', 'transpose_heads', 2 ** 20, 2 ** 20),
  move('concat_2x2M', 'concat', 2 ** 22, 2 ** 22),
  move('concat_columns_2x2M', 'concat_columns', 2 ** 22, 2 ** 22),
  move('slice_2M', 'slice', 2 ** 21, 2 ** 21),
  move('gather_1024_of_16384x1024', 'gather', 2 ** 20, 2 ** 20),
  move('scatter_1024_into_4096x1024', 'scatter', 2 ** 20, 2 ** 22),
  move('pad_130_of_128sq_128ch', 'pad', 128 ** 3, 130 * 130 * 128),
  move('resize_nearest_64sq_256ch', 'resize', 64 * 64 * 256, 128 * 128 * 256),
  move('upload_4M', 'upload', 2 ** 22, 2 ** 22),
  move('download_4M', 'download', 2 ** 22, 2 ** 22), // of a fresh x + 1
];
