/**
 * Values of [0, 1] as bytes: cut off outside, times 255 in float32, truncated. NaN becomes 0.
 *
 * Values are truncated and not rounded, as in DALL·E mini's notebook, min-dalle and torchvision's
 * ToPILImage. A third of all values come out one lower than rounding would give. The product is
 * rounded to float32 first, so k / 255 gives k again.
 */
export function toBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    bytes[i] = Math.fround(Math.min(1, Math.max(0, values[i] as number)) * 255);
  }
  return bytes;
}

/**
 * Bytes as values of [0, 1]: divided by 255 in float32, as torchvision's ToTensor and webdataset's
 * "rgb" do.
 */
export function fromBytes(bytes: Uint8Array): Float32Array {
  return Float32Array.from(bytes, (byte) => byte / 255);
}
