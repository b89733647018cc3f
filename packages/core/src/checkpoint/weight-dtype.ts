import type { FloatDtype } from 'safetensors-ts';

/** How a model's weights are stored: float32, float16 or bfloat16. */
export type WeightDtype = FloatDtype;
