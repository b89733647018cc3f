"""Writes small pictures of the kinds that Pillow and libvips turn into RGB in different ways, which
packages/train/src/decoded/read-rgb.test.ts reads: python make-pictures.py OUT. Pillow 13.0.

pictures.json beside them: what Image.open(FILE).convert("RGB") gives (width, height, bytes in base64).
"""

import base64
import json
import os
import struct
import sys
import warnings
import zlib

import numpy as np
from PIL import Image, ImageCms

warnings.filterwarnings("ignore")
OUT = sys.argv[1]
H, W = 5, 7
r = np.random.default_rng(1)
bytes4 = r.integers(0, 256, (H, W, 4), dtype=np.uint8)
rgb = Image.fromarray(bytes4[..., :3].copy())
words = r.integers(0, 65536, (H, W, 4), dtype=np.uint16)
words[0, :4, 0] = [0, 255, 256, 65535]


def png(name, depth, color, rows, *chunks):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(f"{OUT}/{name}.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, color, 0, 0, 0)))
        for kind, data in chunks:
            file.write(chunk(kind, data))
        file.write(chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) + chunk(b"IEND", b""))


def tiff(name, data, bits, photometric, samples, order="<", extra=None):
    """An unpacked TIFF of one strip, `data` in its byte order."""
    tags = {256: (4, W), 257: (4, H), 258: (3, [bits] * samples), 259: (3, 1), 262: (3, photometric), 273: (4, 8), 277: (3, samples), 278: (4, H), 279: (4, len(data))}
    if extra is not None:
        tags[338] = (3, extra)
    at = 8 + len(data) + len(data) % 2
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    beyond, entries = b"", b""
    after = at + 2 + 12 * len(tags) + 4
    for tag, (kind, value) in sorted(tags.items()):
        values = value if isinstance(value, list) else [value]
        packed = struct.pack(order + ("H" if kind == 3 else "I") * len(values), *values)
        if len(packed) > 4:
            entries += struct.pack(order + "HHII", tag, kind, len(values), after + len(beyond))
            beyond += packed + packed[: len(packed) % 2]
        else:
            entries += struct.pack(order + "HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    with open(f"{OUT}/{name}.tif", "wb") as file:
        file.write(head + data + b"\0" * (len(data) % 2) + struct.pack(order + "H", len(tags)) + entries + b"\0" * 4 + beyond)


def cmyk():
    image = Image.fromarray(bytes4, "CMYK")
    image.save(f"{OUT}/cmyk.jpg", quality=92)
    image.save(f"{OUT}/cmyk_progressive.jpg", quality=60, progressive=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[274] = 6
    image.save(f"{OUT}/cmyk_turned.jpg", quality=92, exif=exif)
    image.save(f"{OUT}/cmyk_profile.tif", icc_profile=profile)
    image.save(f"{OUT}/cmyk.tif")
    image.save(f"{OUT}/cmyk_lzw.tif", compression="tiff_lzw")
    image.save(f"{OUT}/cmyk_jpeg.tif", compression="jpeg")
    tiff("cmyk16", words.astype("<u2").tobytes(), 16, 5, 4)
    tiff("cmyk16_big", words.astype(">u2").tobytes(), 16, 5, 4, ">")
    five = np.concatenate([bytes4, bytes4[..., :1]], axis=2)
    tiff("cmyk_alpha", five.tobytes(), 8, 5, 5, extra=2)
    tiff("cmyk_other", five.tobytes(), 8, 5, 5, extra=0)
    with open(f"{OUT}/cmyk.jpg", "rb") as file:
        data = file.read()
    at = data.find(b"\xff\xee")
    length = struct.unpack(">H", data[at + 2 : at + 4])[0]
    with open(f"{OUT}/cmyk_plain.jpg", "wb") as file:  # nothing says whether it is inverted
        file.write(data[:at] + data[at + 2 + length :])
    for transform, name in [(2, "ycck"), (1, "cmyk_strange")]:
        with open(f"{OUT}/{name}.jpg", "wb") as file:
            file.write(data[: at + 1 + length] + bytes([transform]) + data[at + 2 + length :])


def grey():
    rows = lambda array: [row.tobytes() for row in array]
    png("grey16", 16, 0, rows(words[..., 0].astype(">u2")))
    png("grey16_transparent", 16, 0, rows(words[..., 0].astype(">u2")), (b"tRNS", struct.pack(">H", 255)))
    png("grey16_alpha", 16, 4, rows(words[..., :2].astype(">u2")))
    tiff("grey16", words[..., 0].astype("<u2").tobytes(), 16, 1, 1)
    tiff("grey16_big", words[..., 0].astype(">u2").tobytes(), 16, 1, 1, ">")
    png("grey_transparent", 8, 0, rows(bytes4[..., 0]), (b"tRNS", struct.pack(">H", int(bytes4[0, 0, 0]))))
    for depth in [1, 2, 4]:
        png(f"grey{depth}", depth, 0, [row[: (W * depth + 7) // 8].tobytes() for row in bytes4[..., 0]])
    tiff("grey_inverted", bytes4[..., 0].tobytes(), 8, 0, 1)
    Image.fromarray(bytes4[..., :2].copy(), "LA").save(f"{OUT}/grey_alpha.png")
    Image.fromarray(bytes4[..., :2].copy(), "LA").save(f"{OUT}/grey_alpha.tif")
    Image.fromarray(bytes4[..., 0] > 128).save(f"{OUT}/one.tif", compression="group4")
    Image.fromarray(bytes4[..., 0].astype(np.float32) * 2 - 100).save(f"{OUT}/float.tif")
    Image.fromarray(words[..., 0].astype(np.int32) - 200).save(f"{OUT}/int32.tif")


def colour():
    rows = lambda array: [row.tobytes() for row in array]
    png("rgb16", 16, 2, rows(words[..., :3].astype(">u2")))
    png("rgba16", 16, 6, rows(words.astype(">u2")))
    tiff("rgb16", words[..., :3].astype("<u2").tobytes(), 16, 2, 3)
    tiff("rgba16", words.astype("<u2").tobytes(), 16, 2, 4, extra=2)
    png("rgb_transparent", 8, 2, rows(bytes4[..., :3]), (b"tRNS", struct.pack(">HHH", *map(int, bytes4[0, 0, :3]))))
    png("rgb_gamma", 8, 2, rows(bytes4[..., :3]), (b"gAMA", struct.pack(">I", 100000)))
    palette = rgb.quantize(16)
    palette.save(f"{OUT}/palette.png")
    palette.save(f"{OUT}/palette_transparent.png", transparency=3)
    palette.save(f"{OUT}/palette_alphas.png", transparency=bytes(range(0, 256, 16)))
    palette.save(f"{OUT}/palette.gif")
    palette.save(f"{OUT}/palette.tif")
    frames = [Image.fromarray(r.integers(0, 256, (H, W, 4), dtype=np.uint8)) for _ in range(3)]
    for ending, options in [("gif", {}), ("webp", {"lossless": True}), ("png", {})]:
        frames[0].save(f"{OUT}/frames.{ending}", save_all=True, append_images=frames[1:], **options)
    exif = Image.Exif()
    exif[274] = 6
    rgb.save(f"{OUT}/turned.jpg", exif=exif)
    rgb.save(f"{OUT}/turned.webp", exif=exif, lossless=True)
    rgb.save(f"{OUT}/half.jpg", quality=80, subsampling=2)
    rgb.convert("L").save(f"{OUT}/grey.jpg")
    rgb.save(f"{OUT}/jpeg.tif", compression="jpeg")
    Image.fromarray(bytes4).save(f"{OUT}/alpha.webp", lossless=True)


os.makedirs(OUT, exist_ok=True)
cmyk()
grey()
colour()
found = {}
for name in sorted(os.listdir(OUT)):
    if name == "pictures.json":
        continue
    try:
        image = Image.open(f"{OUT}/{name}").convert("RGB")
    except Exception as error:
        print(name, repr(error))
        os.remove(f"{OUT}/{name}")
        continue
    found[name] = {"width": image.width, "height": image.height, "data": base64.b64encode(image.tobytes()).decode()}
with open(f"{OUT}/pictures.json", "w") as file:
    json.dump(found, file, indent=1)
    file.write("\n")
