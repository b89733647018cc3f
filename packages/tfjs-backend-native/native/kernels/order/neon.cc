#include "kernels/order/vector.h"

namespace easel {

const OrderKernels order_neon = EASEL_ORDER_TABLE;

}  // namespace easel
