"""The same decoder in eager PyTorch: caches written in place, scaled_dot_product_attention, weights as nn.Linear has them or transposed."""

import torch
import torch.nn.functional as F
from torch_inputs import indices, values


class Decoder:
    def __init__(self, transposed, rows, text, length, width, heads, inner, layers, codes):
        self.heads, self.length, self.position = heads, length, 0
        kernel = lambda a, b: values(b, a, scale=0.035) if transposed else values(a, b, scale=0.035)
        self.times = F.linear if transposed else torch.matmul
        norm = lambda size=width: (torch.ones(size), torch.zeros(size))
        cache = lambda size: torch.zeros(rows, heads, size, width // heads)
        self.layers = [
            dict(
                {name: kernel(width, width) for name in ("query", "key", "value", "out", "cross_query", "cross_out")},
                gate=kernel(width, inner), up=kernel(width, inner), down=kernel(inner, width),
                pre=norm(), post=norm(), pre_cross=norm(), post_cross=norm(), pre_glu=norm(), mid_glu=norm(inner),
                keys=cache(length), values=cache(length),
                cross_keys=values(rows, heads, text, width // heads), cross_values=values(rows, heads, text, width // heads),
            )
            for _ in range(layers)
        ]  # fmt: skip
        self.tokens, self.positions = values(codes, width, scale=0.035), values(length, width, scale=0.035)
        self.before, self.behind, self.head = norm(), norm(), kernel(width, codes)
        self.ids, self.mask = indices(rows, codes), torch.zeros(rows, 1, 1, text)

    def step(self):
        times, place = self.times, self.position
        norm = lambda x, parameters: F.layer_norm(x, x.shape[-1:], *parameters)
        split = lambda x: x.unflatten(-1, (self.heads, -1)).unsqueeze(2)
        merge = lambda x: x.flatten(1)
        x = norm(F.embedding(self.ids, self.tokens) + self.positions[place], self.before)
        for p in self.layers:
            n = norm(x, p["pre"])
            p["keys"][:, :, place] = times(n, p["key"]).unflatten(-1, (self.heads, -1))
            p["values"][:, :, place] = times(n, p["value"]).unflatten(-1, (self.heads, -1))
            mixed = F.scaled_dot_product_attention(split(times(n, p["query"])), p["keys"][:, :, : place + 1], p["values"][:, :, : place + 1])
            x = x + norm(times(merge(mixed), p["out"]), p["post"])
            query = split(times(norm(x, p["pre_cross"]), p["cross_query"]))
            mixed = F.scaled_dot_product_attention(query, p["cross_keys"], p["cross_values"], attn_mask=self.mask)
            x = x + norm(times(merge(mixed), p["cross_out"]), p["post_cross"])
            n = norm(x, p["pre_glu"])
            x = x + times(norm(F.gelu(times(n, p["gate"])) * times(n, p["up"]), p["mid_glu"]), p["down"])
        self.position = (place + 1) % self.length
        return times(norm(x, self.behind), self.head)


def decode(**sizes):
    def form(transposed):
        decoder = Decoder(transposed, **sizes)

        def run():
            with torch.inference_mode():
                return decoder.step()

        return run

    return [form(True), form(False)]
