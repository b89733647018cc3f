import torch
import torch.nn.functional as F
from torch import nn
from torch_inputs import values

LAYOUTS = (torch.contiguous_format, torch.channels_last)


class ResBlock(nn.Module):
    def __init__(self, width_in, width_out, groups):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(groups, width_in, eps=1e-6), nn.GroupNorm(groups, width_out, eps=1e-6)
        self.conv1, self.conv2 = nn.Conv2d(width_in, width_out, 3, padding=1), nn.Conv2d(width_out, width_out, 3, padding=1)
        self.shortcut = nn.Identity() if width_in == width_out else nn.Conv2d(width_in, width_out, 1)

    def forward(self, x):
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


class Attention(nn.Module):
    def __init__(self, width, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.q, self.k, self.v, self.out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x):
        n = self.norm(x)
        q, k, v = (project(n).flatten(2).transpose(1, 2) for project in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        return x + self.out(mixed.transpose(1, 2).reshape(x.shape))


class Down(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Up(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0))


def middle(width, groups):
    return [ResBlock(width, width, groups), Attention(width, groups), ResBlock(width, width, groups)]


def encoder(size, ch, mult, blocks, attention, z, embed, groups):
    layers, width, side = [nn.Conv2d(3, ch, 3, padding=1)], ch, size
    for level, factor in enumerate(mult):
        for _ in range(blocks):
            layers.append(ResBlock(width, ch * factor, groups))
            width = ch * factor
            if side in attention:
                layers.append(Attention(width, groups))
        if level < len(mult) - 1:
            layers.append(Down(width))
            side //= 2
    layers += [*middle(width, groups), nn.GroupNorm(groups, width, eps=1e-6), nn.SiLU(), nn.Conv2d(width, z, 3, padding=1)]
    return nn.Sequential(*layers, nn.Conv2d(z, embed, 1))


def decoder(size, ch, mult, blocks, attention, z, embed, groups):
    width, side = ch * mult[-1], size >> (len(mult) - 1)
    layers = [nn.Conv2d(embed, z, 1), nn.Conv2d(z, width, 3, padding=1), *middle(width, groups)]
    for level, factor in reversed(list(enumerate(mult))):
        for _ in range(blocks + 1):
            layers.append(ResBlock(width, ch * factor, groups))
            width = ch * factor
            if side in attention:
                layers.append(Attention(width, groups))
        if level > 0:
            layers.append(Up(width))
            side *= 2
    return nn.Sequential(*layers, nn.GroupNorm(groups, width, eps=1e-6), nn.SiLU(), nn.Conv2d(width, 3, 3, padding=1))


def nearest(latents, table):
    rows = latents.permute(0, 2, 3, 1).reshape(-1, table.shape[1])
    return torch.argmin((table**2).sum(1) - 2 * rows @ table.T, 1)


def vqgan_encode(batch, codes, **sizes):
    def form(layout):
        model = encoder(**sizes).to(memory_format=layout).eval()
        table, pixels = values(codes, sizes["embed"]), (values(batch, 3, sizes["size"], sizes["size"], scale=0.5) + 0.5).to(memory_format=layout)

        def run():
            with torch.inference_mode():
                return nearest(model(pixels), table)

        return run

    return [form(layout) for layout in LAYOUTS]


def discriminator(width):
    return nn.Sequential(
        nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, True),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2, True),
        nn.Conv2d(2 * width, 4 * width, 4, 1, 1, bias=False), nn.BatchNorm2d(4 * width), nn.LeakyReLU(0.2, True),
        nn.Conv2d(4 * width, 1, 4, 1, 1),
    )


def vqgan_train(batch, codes, **sizes):
    """taming's training_step: it updates the VQGAN, then the discriminator on pictures of the updated
    VQGAN."""

    def form(layout):
        enc, dec, disc = (part.to(memory_format=layout) for part in (encoder(**sizes), decoder(**sizes), discriminator(32)))
        table = nn.Parameter(values(codes, sizes["embed"], scale=1 / codes))
        pixels = values(batch, 3, sizes["size"], sizes["size"]).to(memory_format=layout)
        adam = lambda parameters: torch.optim.Adam(parameters, 1e-4, betas=(0.5, 0.9), fused=True)
        generator_adam, discriminator_adam = adam([*enc.parameters(), *dec.parameters(), table]), adam(disc.parameters())
        last = dec[-1].weight

        def draw():
            z = enc(pixels)
            b, e, h, w = z.shape
            chosen = F.embedding(nearest(z.detach(), table.detach()), table).reshape(b, h, w, e).permute(0, 3, 1, 2)
            pull = F.mse_loss(chosen.detach(), z) + 0.25 * F.mse_loss(chosen, z.detach())
            return dec(z + (chosen - z).detach()), pull

        def step():
            drawn, pull = draw()
            nll, g = (pixels - drawn).abs().mean(), -disc(drawn).mean()
            norms = [torch.autograd.grad(loss, last, retain_graph=True)[0].norm() for loss in (nll, g)]
            weight = torch.clamp(norms[0] / (norms[1] + 1e-4), 0, 1e4).detach() * 0.8
            generator_adam.zero_grad()
            (nll + weight * g + pull).backward()
            generator_adam.step()
            with torch.no_grad():
                drawn, _ = draw()
            discriminator_adam.zero_grad()
            (0.5 * (F.relu(1 - disc(pixels)).mean() + F.relu(1 + disc(drawn)).mean())).backward()
            discriminator_adam.step()

        return step

    return [form(layout) for layout in LAYOUTS]
