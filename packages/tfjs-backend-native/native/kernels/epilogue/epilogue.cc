#include "kernels/epilogue/epilogue.h"

#include "runtime/dispatch.h"

namespace easel {

void apply_epilogue(const Epilogue& epilogue, float* c, int64_t c_row, int64_t rows, int64_t columns, int64_t first_column) {
  if (epilogue.empty()) return;
  Epilogue here = epilogue;
  if (here.bias) here.bias += first_column;
  if (here.residual) here.residual += c - here.output;
  EASEL_KERNELS(epilogue).rows(c, c_row, rows, columns, here);
}

}  // namespace easel
