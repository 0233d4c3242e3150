# SPDX-License-Identifier: Apache-2.0
# torch-cases.py FOLDER     networks of torch, exported, each with what torch gives for two batches: folders
#                           as ONNX's conformance data has them
import os
import sys
import warnings

import numpy
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

OPSETS = 9, 11, 13, 15, 17


class Perceptron(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3),
                         nn.Linear(32, 24), nn.GELU(), nn.LayerNorm(24), nn.Linear(24, 16), nn.SiLU(),
                         nn.Linear(16, 10), nn.LogSoftmax(dim=1))


class Convolutions(nn.Module):
    """Residual, depthwise and transposed ones, and what stands between them."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.Hardswish(),
                                   nn.MaxPool2d(3, 2, padding=1, ceil_mode=True))
        self.inner = nn.Sequential(nn.Conv2d(16, 16, 3, padding=2, dilation=2, groups=16),
                                   nn.GroupNorm(4, 16), nn.LeakyReLU(0.1), nn.Conv2d(16, 16, 1))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 16, 1), nn.Hardsigmoid())
        self.wide = nn.Sequential(nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),
                                  nn.InstanceNorm2d(8, affine=True), nn.PReLU(8),
                                  nn.AvgPool2d(2, padding=1, count_include_pad=False))
        self.last = nn.Linear(8 * 8 * 8, 10)

    def forward(self, x):
        x = self.first(x)
        x = x + self.gate(x) * self.inner(x)
        x = functional.interpolate(self.wide(x), size=(8, 8), mode="bilinear", align_corners=False)
        return functional.softmax(self.last(x.flatten(1)), dim=1)


class Transformer(nn.Module):
    """Decodes texts: what comes later is hidden, and so is what is no word."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 32)
        self.places = nn.Parameter(torch.randn(64, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, activation="gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, nn.LayerNorm(32))
        self.last = nn.Linear(32, 50, bias=False)

    def forward(self, texts):
        size = texts.shape[1]
        places = torch.arange(size)
        later = torch.zeros(size, size).masked_fill(places[None] > places[:, None], float("-inf"))
        x = self.words(texts) * 32 ** 0.5 + self.places[:size]
        return self.last(self.layers(x, later, texts == 0))


class Recurrent(nn.Module):
    def __init__(self, kind, **more):
        super().__init__()
        self.cells = kind(12, 16, **more)
        self.last = nn.Linear(16 * (2 if self.cells.bidirectional else 1), 5)

    def forward(self, x):
        every, state = self.cells(x)
        last = state[0] if isinstance(state, tuple) else state
        return self.last(every), last


class Decisions(nn.Module):
    """A script with a loop and a branch, of which the numbers decide."""

    def __init__(self):
        super().__init__()
        self.step = nn.Linear(6, 6)

    def forward(self, x, turns):
        # type: (Tensor, int) -> Tensor
        total = torch.zeros_like(x)
        for i in range(turns):
            if bool(x.sum() > 0):
                x = torch.tanh(self.step(x)) - 0.1
            else:
                x = x * x + float(i)
            total = total + x
        return total


class Shuffles(nn.Module):
    """Sizes that are computed, and values that are moved about."""

    def forward(self, x):
        batch, channels, height, width = x.shape
        y = x.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, -1)
        best, where = y.topk(5, dim=2)
        picked = torch.gather(y, 2, where.flip(2))
        y = torch.cat([best, picked, y[:, :, ::7], y.cumsum(2)[:, :, -3:]], dim=2)
        return functional.pad(y, (1, 2), value=0.5), torch.where(y > 0, y, y.exp() - 1).std(dim=2), where


class Attention(nn.Module):
    """As it is written by hand, and with einsum."""

    def __init__(self):
        super().__init__()
        self.all = nn.Linear(16, 48)

    def forward(self, x):
        q, k, v = (part.reshape(part.shape[0], -1, 4, 4).transpose(1, 2)
                   for part in self.all(x).chunk(3, dim=2))
        scores = (q @ k.transpose(2, 3) / 2).softmax(dim=3)
        return torch.einsum("bhij,bhjd->bihd", scores, v).flatten(2)


class Quantised(nn.Module):
    """As it is trained to be integers: weights a channel, activations a tensor."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(8, 6, 3, 3) / 5)
        self.scales = nn.Parameter(torch.rand(8) / 50 + 0.01, requires_grad=False)

    def forward(self, x):
        x = torch.fake_quantize_per_tensor_affine(x, 0.03, 128, 0, 255)
        w = torch.fake_quantize_per_channel_affine(self.weights, self.scales,
                                                   torch.zeros(8, dtype=torch.int32), 0, -128, 127)
        return functional.conv2d(x, w, padding=1)


class Translator(nn.Module):
    """What is said so far looks at what is to be translated."""

    def __init__(self):
        super().__init__()
        self.both = nn.Transformer(24, 3, 1, 2, 48, activation="relu", batch_first=True)
        self.last = nn.Linear(24, 9)

    def forward(self, source, target):
        return self.last(self.both(source, target)).argmax(dim=2), self.both.encoder(source)


class Signals(nn.Module):
    """One dimension, and three."""

    def __init__(self):
        super().__init__()
        self.heard = nn.Sequential(nn.ReflectionPad1d(3), nn.Conv1d(2, 8, 7, stride=2), nn.GLU(dim=1),
                                   nn.BatchNorm1d(4), nn.ELU(), nn.MaxPool1d(2),
                                   nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1), nn.Softplus())
        self.seen = nn.Sequential(nn.Conv3d(1, 4, (2, 3, 3), padding=(0, 1, 1)), nn.Mish(),
                                  nn.AvgPool3d((1, 2, 2)), nn.Upsample(scale_factor=2, mode="nearest"))

    def forward(self, x):
        heard = self.heard(x)
        return heard, self.seen(heard[:, None, :, :, None] * heard[:, None, :, None, :4])


def texts(batch, size):
    made = torch.randint(1, 50, (batch, size))
    made[0, size - 2:] = 0
    return (made,)


def floats(*shape):
    return lambda batch: (torch.randn(batch, *shape),)


# Name, network, inputs for a batch, the least opset.
CASES = [
    ("perceptron", Perceptron, floats(20), 9),
    ("convolutions", Convolutions, floats(3, 20, 20), 11),
    ("transformer", Transformer, lambda batch: texts(batch, 7 + batch), 11),
    ("lstm", lambda: Recurrent(nn.LSTM, num_layers=2, bidirectional=True, batch_first=True),
     floats(9, 12), 9),
    ("gru", lambda: Recurrent(nn.GRU, num_layers=2, batch_first=True), floats(9, 12), 9),
    ("rnn", lambda: Recurrent(nn.RNN, bidirectional=True, batch_first=True), floats(9, 12), 9),
    ("decisions", lambda: torch.jit.script(Decisions()), lambda batch: (torch.randn(batch, 6),
                                                                        torch.tensor(2 + batch)), 11),
    ("shuffles", Shuffles, floats(4, 5, 6), 11),
    ("attention", Attention, floats(7, 16), 13),
    ("translator", Translator, lambda batch: (torch.randn(batch, 6, 24), torch.randn(batch, 4, 24)), 11),
    ("signals", Signals, floats(2, 24), 11),
    ("quantised", Quantised, floats(6, 8, 8), 13),
]


def settle(network):
    """Statistics and scales that are not those that it was born with."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.5)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
    return network.eval()


def save(folder, kind, tensors):
    for i, tensor in enumerate(tensors):
        with open(os.path.join(folder, "%s_%d.pb" % (kind, i)), "wb") as file:
            array = numpy.array(tensor.detach().numpy(), order="C")
            file.write(numpy_helper.from_array(array).SerializeToString())


def export(network, inputs, opset, path, count):
    names = ["in%d" % i for i in range(len(inputs))]
    results = ["out%d" % i for i in range(count)]
    open_sizes = {name: {0: "batch"} for name, tensor in zip(names, inputs) if tensor.dim() > 0}
    if inputs[0].dtype == torch.int64 and inputs[0].dim() == 2:
        open_sizes["in0"][1] = "length"
    torch.onnx.export(network, inputs, path, opset_version=opset, input_names=names, output_names=results,
                      dynamic_axes=open_sizes)


def plain(results):
    return results if isinstance(results, tuple) else (results,)


def main(folder):
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    made = 0
    for name, new, inputs, least in CASES:
        torch.manual_seed(made)
        network = settle(new())
        for opset in OPSETS:
            if opset < least:
                continue
            for batch in 1, 3:
                case = os.path.join(folder, "%s-%d-batch%d" % (name, opset, batch))
                data = os.path.join(case, "test_data_set_0")
                os.makedirs(data)
                given = inputs(batch)
                with torch.no_grad():
                    results = plain(network(*given))
                    export(network, inputs(2), opset, os.path.join(case, "model.onnx"), len(results))
                save(data, "input", given)
                save(data, "output", results)
                made += 1
    print("%d models" % made)


main(sys.argv[1])
