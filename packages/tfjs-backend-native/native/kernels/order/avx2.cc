#include "kernels/order/vector.h"

namespace easel {

const OrderKernels order_avx2 = EASEL_ORDER_TABLE;

}  // namespace easel
