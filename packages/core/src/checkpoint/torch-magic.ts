/**
 * The first bytes of a file of torch.save before PyTorch 1.6: the pickle of the integer
 * 0x1950a86a20f9469cfc6c.
 */
export const LEGACY_MAGIC = [
  0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
];

/** Whether a file begins with these bytes. */
export function isLegacyTorch(start: Uint8Array): boolean {
  return start.length >= LEGACY_MAGIC.length && LEGACY_MAGIC.every((byte, i) => start[i] === byte);
}
