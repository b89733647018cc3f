// Pictures whose pixels are taken from places of others, as tfjs's cpu backend finds them: places
// are computed in double precision, on any target. Images are [batch, rows, columns, channels].
#pragma once

#include <cstdint>

namespace easel {

struct ImageSize {
  int64_t batch, rows, columns, channels;
};

/// Boxes (top, left, bottom, right) in shares of the image, and the image of each. A box of an
/// image that there isn't becomes 0.
struct Boxes {
  int64_t count;
  const float* corners;
  const int32_t* image;
};

/// y [boxes, rows, columns, channels] = the boxes of x, resized bilinearly or to the nearest pixel.
/// Pixels outside of the image are `outside`.
void crop_and_resize(float* y, const float* x, const ImageSize& from, const Boxes& boxes, int64_t rows, int64_t columns, bool nearest, float outside);

/// y = each image of x turned by `radians` around a centre, of the nearest pixel. Pixels outside of
/// x are fill [channels]. Elements are words.
void rotate(uint32_t* y, const uint32_t* x, const ImageSize& size, const uint32_t* fill, double radians, double centre_x, double centre_y);

}  // namespace easel
