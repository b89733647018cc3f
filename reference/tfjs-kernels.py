"""What TensorFlow makes of the programs of tfjs-backend-native's fuzz.

Reads a program a line from standard input (testing/fuzz/program.ts has the form), writes an answer a
line to standard output: outputs, gradients and slopes, or TensorFlow's error. Slopes are finite
differences of the program in float64. scripts/fuzz.mjs of the package runs it. Made with TensorFlow 2.21.0 (tensorflow-cpu).
"""

import json
import math
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np
import tensorflow as tf

raw = tf.raw_ops
WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
DTYPES = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}


def from_file(t):
    if t["dtype"] == "string":
        return tf.constant(np.array([v.encode() for v in t["values"]], object).reshape(t["shape"]), tf.string)
    values = [WORDS[v] if isinstance(v, str) else v for v in t["values"]]
    return tf.constant(np.array(values, np.float64).astype(DTYPES[t["dtype"]]).reshape(t["shape"]))


def to_file(x):
    x = x.numpy() if hasattr(x, "numpy") else np.asarray(x)
    if isinstance(x, bytes):
        x = np.array(x, object)
    if x.dtype.kind in "OS":
        return {"shape": list(x.shape), "dtype": "string", "values": [v.decode("latin-1") for v in x.ravel().tolist()]}
    dtype = {"f": "float32", "i": "int32", "u": "int32", "b": "bool"}[x.dtype.kind]
    def word(v):
        if isinstance(v, float) and not math.isfinite(v):
            return "nan" if v != v else "inf" if v > 0 else "-inf"
        return v
    values = [word(v) for v in (x.astype(np.int32) if dtype == "bool" else x).ravel().tolist()]
    if dtype == "float32":
        values = [v if isinstance(v, str) else float(np.format_float_positional(np.float32(v), unique=True)) for v in values]
    return {"shape": list(x.shape), "dtype": dtype, "values": values}


def seeds(size, seed):
    state = (seed * 2654435761) & 0xFFFFFFFF | 1
    out = []
    for _ in range(size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append((state >> 26) / 16 - 2)
    return np.array(out, np.float32)


KERNELS = {}


def kernel(*names):
    def add(f):
        for name in names:
            KERNELS[name] = f
        return f
    return add


def unary(name, f):
    KERNELS[name] = lambda i, a: f(i["x"])


for name, f in {
    "Abs": tf.abs, "Acos": tf.acos, "Acosh": tf.acosh, "Asin": tf.asin, "Asinh": tf.asinh, "Atan": tf.atan, "Atanh": tf.atanh,
    "Ceil": tf.math.ceil, "Cos": tf.cos, "Cosh": tf.cosh, "Elu": tf.nn.elu, "Erf": tf.math.erf, "Exp": tf.exp, "Expm1": tf.math.expm1,
    "Floor": tf.floor, "Log": tf.math.log, "Log1p": tf.math.log1p, "Neg": tf.negative, "Reciprocal": tf.math.reciprocal,
    "Relu": tf.nn.relu, "Relu6": tf.nn.relu6, "Round": tf.round, "Rsqrt": tf.math.rsqrt, "Selu": tf.nn.selu, "Sigmoid": tf.sigmoid,
    "Sign": tf.sign, "Sin": tf.sin, "Sinh": tf.sinh, "Softplus": tf.math.softplus, "Sqrt": tf.sqrt, "Square": tf.square, "Tan": tf.tan,
    "Tanh": tf.tanh, "IsFinite": tf.math.is_finite, "IsInf": tf.math.is_inf, "IsNan": tf.math.is_nan, "Identity": tf.identity,
    "OnesLike": tf.ones_like, "ZerosLike": tf.zeros_like, "Diag": tf.linalg.tensor_diag,
}.items():
    unary(name, f)

# tfjs's sign of NaN is 0; its own tests say so.
KERNELS["Sign"] = lambda i, a: tf.where(i["x"] != i["x"], tf.zeros_like(i["x"]), tf.sign(i["x"]))
KERNELS["LeakyRelu"] = lambda i, a: tf.where(i["x"] < 0, a["alpha"] * i["x"], i["x"])
KERNELS["Step"] = lambda i, a: tf.where(tf.math.is_nan(i["x"]), math.nan, tf.where(i["x"] > 0, 1.0, a["alpha"]))
KERNELS["ClipByValue"] = lambda i, a: tf.clip_by_value(i["x"], a["clipValueMin"], a["clipValueMax"])

for name, f in {
    "Add": tf.add, "Sub": tf.subtract, "Multiply": tf.multiply, "RealDiv": tf.divide, "Maximum": tf.maximum, "Minimum": tf.minimum,
    "SquaredDifference": tf.math.squared_difference, "Pow": tf.pow, "Atan2": tf.atan2, "Mod": tf.math.floormod, "FloorDiv": tf.math.floordiv,
    "BitwiseAnd": tf.bitwise.bitwise_and, "Equal": tf.equal, "NotEqual": tf.not_equal, "Greater": tf.greater,
    "GreaterEqual": tf.greater_equal, "Less": tf.less, "LessEqual": tf.less_equal, "LogicalAnd": tf.logical_and, "LogicalOr": tf.logical_or,
}.items():
    KERNELS[name] = lambda i, a, f=f: f(i["a"], i["b"])

# tfjs's quotient is of integers, whatever it divides.
KERNELS["FloorDiv"] = lambda i, a: tf.cast(tf.math.floordiv(i["a"], i["b"]), tf.int32)
KERNELS["Prelu"] = lambda i, a: tf.maximum(i["x"], 0.0) + i["alpha"] * tf.minimum(i["x"], 0.0)
KERNELS["Select"] = lambda i, a: tf.where(i["condition"], i["t"], i["e"])
KERNELS["AddN"] = lambda i, a: tf.add_n(i)


@kernel("Cast")
def cast(i, a):
    x = i["x"]
    return tf.not_equal(x, tf.zeros_like(x)) if a["dtype"] == "bool" and x.dtype != tf.bool else tf.cast(x, a["dtype"])


def on_complex(f):
    """A function of complex numbers, each of two leaves; its result in parts where it is complex."""
    def run(i, a):
        parts = list(i.values())
        y = f([tf.complex(real, imag) for real, imag in zip(parts[::2], parts[1::2])], a)
        return [tf.math.real(y), tf.math.imag(y)] if y.dtype == tf.complex64 else y
    return run


for name, f in {
    "Real": lambda x, a: tf.math.real(x[0]), "Imag": lambda x, a: tf.math.imag(x[0]), "ComplexAbs": lambda x, a: tf.abs(x[0]),
    "FFT": lambda x, a: tf.signal.fft(x[0]), "IFFT": lambda x, a: tf.signal.ifft(x[0]), "Identity": lambda x, a: x[0],
    "Slice": lambda x, a: tf.slice(x[0], a["begin"], a["size"]), "Reshape": lambda x, a: tf.reshape(x[0], a["shape"]),
    "Concat": lambda x, a: tf.concat(x, a["axis"]), "ExpandDims": lambda x, a: tf.expand_dims(x[0], a["dim"]),
    "Add": lambda x, a: x[0] + x[1], "Sub": lambda x, a: x[0] - x[1], "Multiply": lambda x, a: x[0] * x[1],
}.items():
    KERNELS[f"complex:{name}"] = on_complex(f)

KERNELS["LogicalNot"] = lambda i, a: tf.logical_not(i["x"])
KERNELS["ExpandDims"] = lambda i, a: tf.expand_dims(i["input"], a["dim"])
KERNELS["BroadcastArgs"] = lambda i, a: raw.BroadcastArgs(s0=i["s0"], s1=i["s1"])
KERNELS["shares:Multinomial"] = lambda i, a: i["logits"] if a["normalized"] else tf.nn.softmax(i["logits"])

KERNELS["StringSplit"] = lambda i, a: list(raw.StringSplit(input=i["input"], delimiter=i["delimiter"], skip_empty=a["skipEmpty"]))
KERNELS["StringNGrams"] = lambda i, a: list(raw.StringNGrams(
    data=i["data"], data_splits=i["dataSplits"], separator=a["separator"], ngram_widths=a["nGramWidths"], left_pad=a["leftPad"],
    right_pad=a["rightPad"], pad_width=a["padWidth"], preserve_short_sequences=a["preserveShortSequences"]))
KERNELS["StringToHashBucketFast"] = lambda i, a: raw.StringToHashBucketFast(input=i["input"], num_buckets=a["numBuckets"])
KERNELS["StaticRegexReplace"] = lambda i, a: raw.StaticRegexReplace(
    input=i["x"], pattern=a["pattern"], rewrite=a["rewrite"], replace_global=a["replaceGlobal"])


KERNELS["Transpose"] = lambda i, a: tf.transpose(i["x"], a["perm"])
KERNELS["Slice"] = lambda i, a: tf.slice(i["x"], a["begin"], a["size"])
KERNELS["Reverse"] = lambda i, a: tf.reverse(i["x"], a["dims"]) if a["dims"] else tf.identity(i["x"])
KERNELS["PadV2"] = lambda i, a: raw.PadV2(input=i["x"], paddings=a["paddings"], constant_values=tf.cast(a["constantValue"], i["x"].dtype))
KERNELS["MirrorPad"] = lambda i, a: tf.pad(i["x"], a["paddings"], a["mode"])
KERNELS["Tile"] = lambda i, a: tf.tile(i["x"], a["reps"])
KERNELS["Concat"] = lambda i, a: tf.concat(i, a["axis"])
KERNELS["Pack"] = lambda i, a: tf.stack(i, a["axis"])
KERNELS["Unpack"] = lambda i, a: tf.unstack(i["value"], axis=a["axis"])
KERNELS["SplitV"] = lambda i, a: tf.split(i["x"], a["numOrSizeSplits"], a["axis"])
KERNELS["Reshape"] = lambda i, a: tf.reshape(i["x"], a["shape"])
KERNELS["StridedSlice"] = lambda i, a: tf.strided_slice(
    i["x"], a["begin"], a["end"], a["strides"], a["beginMask"], a["endMask"], a["ellipsisMask"], a["newAxisMask"], a["shrinkAxisMask"])
KERNELS["SpaceToBatchND"] = lambda i, a: tf.space_to_batch(i["x"], a["blockShape"], a["paddings"])
KERNELS["BatchToSpaceND"] = lambda i, a: tf.batch_to_space(i["x"], a["blockShape"], a["crops"])
KERNELS["DepthToSpace"] = lambda i, a: tf.nn.depth_to_space(i["x"], a["blockSize"])
KERNELS["Fill"] = lambda i, a: tf.fill(a["shape"], tf.cast(a["value"], a["dtype"]))
KERNELS["Range"] = lambda i, a: tf.range(a["start"], a["stop"], a["step"], dtype=a["dtype"])
KERNELS["LinSpace"] = lambda i, a: tf.linspace(float(a["start"]), float(a["stop"]), a["num"])

for name, f in {"Sum": tf.reduce_sum, "Mean": tf.reduce_mean, "Max": tf.reduce_max, "Min": tf.reduce_min, "Prod": tf.reduce_prod,
                "All": tf.reduce_all, "Any": tf.reduce_any}.items():
    KERNELS[name] = lambda i, a, f=f: f(i["x"], a.get("axis", a.get("reductionIndices")), a["keepDims"])

KERNELS["ArgMax"] = lambda i, a: tf.argmax(i["x"], a["axis"], tf.int32)
KERNELS["ArgMin"] = lambda i, a: tf.argmin(i["x"], a["axis"], tf.int32)
KERNELS["Cumsum"] = lambda i, a: tf.cumsum(i["x"], a["axis"], a["exclusive"], a["reverse"])
KERNELS["Cumprod"] = lambda i, a: tf.math.cumprod(i["x"], a["axis"], a["exclusive"], a["reverse"])
KERNELS["Softmax"] = lambda i, a: tf.nn.softmax(i["logits"])
KERNELS["LogSoftmax"] = lambda i, a: tf.nn.log_softmax(i["logits"])
KERNELS["TopK"] = lambda i, a: list(tf.math.top_k(i["x"], a["k"]))
KERNELS["Unique"] = lambda i, a: list(tf.unique(i["x"]))
KERNELS["LRN"] = lambda i, a: tf.nn.local_response_normalization(i["x"], a["depthRadius"], a["bias"], a["alpha"], a["beta"])
KERNELS["FusedBatchNorm"] = lambda i, a: tf.nn.batch_normalization(i["x"], i["mean"], i["variance"], i["offset"], i["scale"], a["varianceEpsilon"])

KERNELS["GatherV2"] = lambda i, a: tf.gather(i["x"], i["indices"], axis=a["axis"], batch_dims=a["batchDims"])
KERNELS["GatherNd"] = lambda i, a: tf.gather_nd(i["params"], i["indices"])
KERNELS["ScatterNd"] = lambda i, a: tf.scatter_nd(i["indices"], i["updates"], a["shape"])
KERNELS["TensorScatterUpdate"] = lambda i, a: tf.tensor_scatter_nd_update(i["tensor"], i["indices"], i["updates"])
KERNELS["SparseToDense"] = lambda i, a: raw.SparseToDense(
    sparse_indices=i["sparseIndices"], output_shape=a["outputShape"], sparse_values=i["sparseValues"], default_value=i["defaultValue"], validate_indices=False)
# Rows of an id of numSegments or more are left out, as on a GPU; on a CPU TensorFlow refuses them.
KERNELS["UnsortedSegmentSum"] = lambda i, a: tf.math.unsorted_segment_sum(
    i["x"], tf.where(i["segmentIds"] < a["numSegments"], i["segmentIds"], -1), a["numSegments"])
KERNELS["SparseSegmentSum"] = lambda i, a: tf.sparse.segment_sum(i["data"], i["indices"], i["segmentIds"])
KERNELS["SparseSegmentMean"] = lambda i, a: tf.sparse.segment_mean(i["data"], i["indices"], i["segmentIds"])
KERNELS["Bincount"] = lambda i, a: raw.Bincount(arr=i["x"], size=a["size"], weights=i["weights"])
KERNELS["DenseBincount"] = lambda i, a: raw.DenseBincount(input=i["x"], size=a["size"], weights=i["weights"], binary_output=a["binaryOutput"])
KERNELS["OneHot"] = lambda i, a: tf.one_hot(i["indices"], a["depth"], tf.cast(a["onValue"], a["dtype"]), tf.cast(a["offValue"], a["dtype"]), dtype=a["dtype"])
KERNELS["SearchSorted"] = lambda i, a: tf.searchsorted(i["sortedSequence"], i["values"], a["side"])


@kernel("SparseReshape")
def sparse_reshape(i, a):
    return list(raw.SparseReshape(**{k: tf.cast(i[n], tf.int64) for k, n in
                                     (("input_indices", "inputIndices"), ("input_shape", "inputShape"), ("new_shape", "newShape"))}))


@kernel("SparseFillEmptyRows")
def sparse_fill(i, a):
    return list(raw.SparseFillEmptyRows(indices=tf.cast(i["indices"], tf.int64), values=i["values"],
                                        dense_shape=tf.cast(i["denseShape"], tf.int64), default_value=i["defaultValue"]))


@kernel("RaggedRange")
def ragged_range(i, a):
    return list(raw.RaggedRange(starts=i["starts"], limits=i["limits"], deltas=i["deltas"], Tsplits=tf.int32))


@kernel("ragged:Gather")
def ragged_gather(i, a):
    splits, values = raw.RaggedGather(params_nested_splits=[i["splits"]], params_dense_values=i["values"], indices=i["indices"],
                                      OUTPUT_RAGGED_RANK=len(i["indices"].shape))
    return list(splits) + [values]


@kernel("ragged:ToTensor")
def ragged_to_tensor(i, a):
    partitions = [i[f"partition{n}"] for n in range(len(a["types"]))]
    return raw.RaggedTensorToTensor(shape=i["shape"], values=i["values"], default_value=i["defaultValue"],
                                    row_partition_tensors=partitions, row_partition_types=a["types"])


KERNELS["BatchMatMul"] = lambda i, a: tf.matmul(i["a"], i["b"], a["transposeA"], a["transposeB"])
KERNELS["Einsum"] = lambda i, a: tf.einsum(a["equation"], *i)


def activated(y, i, a):
    if "bias" in i:
        y = y + i["bias"]
    name = a["activation"]
    if name == "prelu":
        return tf.where(y < 0, i["preluActivationWeights"] * y, y)
    if name == "leakyrelu":
        return tf.where(y < 0, a["leakyreluAlpha"] * y, y)
    return {"linear": tf.identity, "relu": tf.nn.relu, "relu6": tf.nn.relu6, "elu": tf.nn.elu, "sigmoid": tf.sigmoid}[name](y)


KERNELS["_FusedMatMul"] = KERNELS["fused:matMul"] = lambda i, a: activated(tf.matmul(i["a"], i["b"], a["transposeA"], a["transposeB"]), i, a)


def same_pads(extents, window, strides, dilations):
    """What 'same' puts before and behind each spatial axis."""
    totals = [max(0, (-(-extent // s) - 1) * s + (f - 1) * d + 1 - extent)
              for extent, f, s, d in zip(extents, window, strides, dilations)]
    return [[total // 2, total - total // 2] for total in totals]


def padded(x, a, value=0.0):
    """A picture or volume with explicit pads as a border, and the padding that is left to TensorFlow. Volumes get
    their border for 'same' too: TensorFlow's kernels for them (2.21.0) begin at the second place of an axis of three
    with a window of 1 and a stride of 3, their gradients at the first."""
    pad = a["pad"]
    if pad == "same" and len(x.shape) == 5:
        pad = [[0, 0], *same_pads(x.shape[1:4], a["filterSize"], a["strides"], [1, 1, 1]), [0, 0]]
    if isinstance(pad, str):
        return x, pad.upper()
    pads = [[0, 0], [pad, pad], [pad, pad], [0, 0]] if isinstance(pad, int) else pad
    if len(x.shape) == 5 and isinstance(pad, int):
        pads = [[0, 0], [pad, pad], [pad, pad], [pad, pad], [0, 0]]
    return tf.pad(x, pads, constant_values=value), "VALID"


def conv2d(i, a):
    return dilated(i, a, lambda part, weights: tf.einsum("bhwc,cd->bhwd", part, weights))


def dilated(i, a, product):
    """A convolution by its definition: the sum of its taps' products. TensorFlow's own kernels know no
    gradient with dilation on the CPU, and read beyond small pictures (2.21.0: a window of 2 over 2 places
    in steps of 3 gives wrong numbers, then a crash)."""
    x, filters, strides = i["x"], i["filter"], a["strides"]
    rank = len(strides)
    window, dilations, pad = filters.shape[:rank], a["dilations"], a["pad"]
    if isinstance(pad, int):
        pad = [[0, 0], *[[pad, pad]] * rank, [0, 0]]
    if pad == "same":
        pad = [[0, 0], *same_pads(x.shape[1:], window, strides, dilations), [0, 0]]
    if pad != "valid":
        x = tf.pad(x, pad)
    counts = [(extent - (f - 1) * d - 1) // s + 1 for extent, f, s, d in zip(x.shape[1:], window, strides, dilations)]
    y = 0.0
    for tap in np.ndindex(*window):
        slices = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilations, counts, strides)]
        y += product(x[(slice(None), *slices)], filters[tap])
    return y


def depthwise(i, a):
    y = dilated(i, a, lambda part, weights: part[..., None] * weights)
    return tf.reshape(y, [*y.shape[:3], -1])


KERNELS["Conv2D"] = conv2d
KERNELS["FusedConv2D"] = KERNELS["fused:conv2d"] = lambda i, a: activated(conv2d(i, a), i, a)
KERNELS["DepthwiseConv2dNative"] = depthwise
KERNELS["FusedDepthwiseConv2D"] = KERNELS["fused:depthwiseConv2d"] = lambda i, a: activated(depthwise(i, a), i, a)
KERNELS["Conv3D"] = lambda i, a: dilated(i, a, lambda part, weights: tf.einsum("bdhwc,ce->bdhwe", part, weights))
KERNELS["Dilation2D"] = lambda i, a: tf.nn.dilation2d(i["x"], i["filter"], [1, *a["strides"], 1], a["pad"].upper(), "NHWC", [1, 1, 1, 1])


@kernel("MaxPool", "MaxPool3D")
def max_pool(i, a):
    x, pad = padded(i["x"], a, -math.inf)
    return (tf.nn.max_pool2d if len(x.shape) == 4 else tf.nn.max_pool3d)(x, a["filterSize"], a["strides"], pad)


@kernel("AvgPool", "AvgPool3D")
def average_pool(i, a):
    x, pad = padded(i["x"], a)
    inside, _ = padded(tf.ones_like(i["x"]), a)
    mean = lambda t: (tf.nn.avg_pool2d if len(t.shape) == 4 else tf.nn.avg_pool3d)(t, a["filterSize"], a["strides"], pad)
    return mean(x) / mean(inside) if pad == "VALID" else mean(x)


@kernel("MaxPoolWithArgmax")
def max_pool_with_argmax(i, a):
    return list(tf.nn.max_pool_with_argmax(i["x"], a["filterSize"], a["strides"], a["pad"].upper(), output_dtype=tf.int64,
                                           include_batch_in_index=a["includeBatchInIndex"]))


KERNELS["ResizeBilinear"] = lambda i, a: raw.ResizeBilinear(
    images=i["images"], size=a["size"], align_corners=a["alignCorners"], half_pixel_centers=a["halfPixelCenters"])
KERNELS["ResizeNearestNeighbor"] = lambda i, a: raw.ResizeNearestNeighbor(
    images=i["images"], size=a["size"], align_corners=a["alignCorners"], half_pixel_centers=a["halfPixelCenters"])
KERNELS["CropAndResize"] = lambda i, a: tf.image.crop_and_resize(i["image"], i["boxes"], i["boxInd"], a["cropSize"], a["method"], a["extrapolationValue"])
KERNELS["FlipLeftRight"] = lambda i, a: tf.image.flip_left_right(i["image"])
KERNELS["NonMaxSuppressionV3"] = lambda i, a: tf.image.non_max_suppression(i["boxes"], i["scores"], a["maxOutputSize"], a["iouThreshold"], float(a["scoreThreshold"]))
KERNELS["NonMaxSuppressionV4"] = lambda i, a: list(raw.NonMaxSuppressionV4(
    boxes=i["boxes"], scores=i["scores"], max_output_size=a["maxOutputSize"], iou_threshold=a["iouThreshold"],
    score_threshold=float(a["scoreThreshold"]), pad_to_max_output_size=a["padToMaxOutputSize"]))
KERNELS["NonMaxSuppressionV5"] = lambda i, a: list(raw.NonMaxSuppressionV5(
    boxes=i["boxes"], scores=i["scores"], max_output_size=a["maxOutputSize"], iou_threshold=a["iouThreshold"],
    score_threshold=float(a["scoreThreshold"]), soft_nms_sigma=float(a["softNmsSigma"])))[:2]


@kernel("RotateWithOffset")
def rotate(i, a):
    """tfjs has this kernel alone: a projective transform about a point, each channel with a fill of its own, alpha with 255."""
    image, fills = i["image"], a["fillValue"]
    batch, height, width, channels = image.shape
    center = a["center"] if isinstance(a["center"], list) else [a["center"]] * 2
    x, y = width * center[0], height * center[1]
    sin, cos = math.sin(a["radians"]), math.cos(a["radians"])
    row = [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, 0.0, 0.0]
    fill = lambda c: fills if not isinstance(fills, list) else 255 if c == 3 else fills[c]
    turned = [raw.ImageProjectiveTransformV3(
        images=image[..., c:c + 1], transforms=[row] * batch, output_shape=[height, width], fill_value=float(fill(c)),
        interpolation="NEAREST", fill_mode="CONSTANT") for c in range(channels)]
    return tf.concat(turned, -1)


KERNELS["Transform"] = lambda i, a: raw.ImageProjectiveTransformV3(
    images=i["image"], transforms=i["transforms"], output_shape=a["outputShape"], fill_value=a["fillValue"],
    interpolation=a["interpolation"].upper(), fill_mode=a["fillMode"].upper())


def run(program, leaves):
    places = list(leaves)
    outputs = []
    for step in program["steps"]:
        inputs = step["inputs"]
        given = [places[at] for at in inputs] if isinstance(inputs, list) else {name: places[at] for name, at in inputs.items()}
        outputs = KERNELS[step["kernel"]](given, step["attrs"])
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        places.append(outputs[0])
    return outputs


def slope(program, leaves, at):
    """How fast Σ⟨y, dy⟩ grows as one leaf goes along its direction, by central differences in float64. None where
    there is a kink, or TensorFlow has no float64 form."""
    way = seeds(int(tf.size(leaves[at])), program["dySeed"] + 1234).astype(np.float64).reshape(leaves[at].shape)
    wide = [tf.cast(x, tf.float64) if x.dtype == tf.float32 else x for x in leaves]

    def value(t):
        outputs = run(program, [x + t * way if n == at else x for n, x in enumerate(wide)])
        floats = [y for y in outputs if y.dtype in (tf.float32, tf.float64)]
        if any(y.dtype == tf.float32 for y in floats):
            raise TypeError("it is computed in float32")
        return sum(float(tf.reduce_sum(y * seeds(int(tf.size(y)), program["dySeed"] + n).reshape(y.shape))) for n, y in enumerate(floats))

    try:
        here = value(0.0)
        wide_step, step = ((value(h) - here, here - value(-h), h) for h in (1e-4, 5e-5))
    except Exception:
        return None
    first, second = ((ahead + behind) / (2 * h) for ahead, behind, h in (wide_step, step))
    # What the two sides differ by halves with the step where the function is smooth, and stays at a kink.
    bends = [abs(ahead - behind) / h for ahead, behind, h in (wide_step, step)]
    is_smooth = abs(first - second) <= 1e-5 * abs(second) + 1e-6 and bends[1] <= 0.75 * bends[0] + 1e-6 * (1 + abs(second))
    return second if math.isfinite(second) and is_smooth else None


def answer(program):
    leaves = [from_file(t) for t in program["leaves"]]
    try:
        with tf.GradientTape() as tape:
            for x in leaves:
                tape.watch(x)
            outputs = run(program, leaves)
            if "dySeed" in program:
                floats = [y for y in outputs if y.dtype == tf.float32]
                value = tf.add_n([tf.reduce_sum(y * seeds(int(tf.size(y)), program["dySeed"] + n).reshape(y.shape)) for n, y in enumerate(floats)])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}
    said = {"outputs": [to_file(y) for y in outputs]}
    if "dySeed" in program:
        by = [leaves[at] for at in program["by"]]
        try:
            gradients = tape.gradient(value, by, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            said["gradients"] = [None if g is None else to_file(tf.convert_to_tensor(g)) for g in gradients]
        except Exception as error:
            print(f"no gradient of {program['steps'][-1]['kernel']}: {str(error).splitlines()[0][:160]}", file=sys.stderr)
            said["gradients"] = [None for _ in by]
        # Finite differences take several runs each: a quarter of the programs have them.
        if program["dySeed"] % 4 == 0:
            said["slopes"] = [slope(program, leaves, at) for at in program["by"]]
    return said


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
