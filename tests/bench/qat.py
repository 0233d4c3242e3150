# SPDX-License-Identifier: Apache-2.0
"""The peer of bench-qat.sh, on PyTorch: qat.py START.safetensors mlp|cnn SEED BITS EPOCHS cosine|constant [RATE DECAY] trains on
Fashion-MNIST from these weights, with weights rounded by torch.ao's FakeQuantize, by Adam at .001, or by AdamW; prints accuracy,
and images a second of processor time."""
import gzip
import json
import struct
import sys
import time

import numpy
import torch
from torch import nn
from torch.ao.quantization import FakeQuantize, MovingAveragePerChannelMinMaxObserver

FOLDER, BATCH = "/usr/share/datasets/fashion-mnist", 64


def pictures(part, shape):
    with gzip.open(f"{FOLDER}/{part}-images-idx3-ubyte.gz") as file:
        raw = numpy.frombuffer(file.read(), numpy.uint8, offset=16)
    with gzip.open(f"{FOLDER}/{part}-labels-idx1-ubyte.gz") as file:
        labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
    return (torch.from_numpy(raw.astype(numpy.float32) / 255).reshape(-1, *shape),
            torch.from_numpy(labels.astype(numpy.int64)))


def tensors(path):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        head = json.loads(file.read(size))
        data = file.read()
    for name, entry in head.items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            yield name, numpy.frombuffer(data[first:last], numpy.float32).reshape(entry["shape"])


class Rounded(nn.Module):
    """A layer whose weight goes through FakeQuantize, as those of torch.ao.nn.qat do."""

    def __init__(self, layer, bits):
        super().__init__()
        self.layer = layer
        self.fake = FakeQuantize(MovingAveragePerChannelMinMaxObserver, quant_min=-2 ** (bits - 1),
                                 quant_max=2 ** (bits - 1) - 1, dtype=torch.qint8, ch_axis=0,
                                 qscheme=torch.per_channel_symmetric)

    def forward(self, x):
        weight = self.fake(self.layer.weight)
        if isinstance(self.layer, nn.Linear):
            return nn.functional.linear(x, weight, self.layer.bias)
        return nn.functional.conv2d(x, weight, self.layer.bias, padding=1)


def network(name, path, bits):
    if name == "mlp":
        shape = (784,)
        layers = [nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)]
    else:
        shape = (1, 28, 28)
        layers = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
                  nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10)]
    given = dict(tensors(path))
    names = sorted(n for n in given if n.endswith(".weight"))
    own = [layer for layer in layers if isinstance(layer, (nn.Linear, nn.Conv2d))]
    assert len(names) == len(own), names
    for layer, n in zip(own, names):
        weight = given[n]
        if weight.ndim == 2 and weight.shape != tuple(layer.weight.shape):
            weight = weight.T
        layer.weight.data = torch.from_numpy(weight.copy())
        layer.bias.data = torch.from_numpy(given[n[:-6] + "bias"].copy())
    return shape, nn.Sequential(*(Rounded(layer, bits) if layer in own else layer for layer in layers))


def main(path, name, seed, bits, epochs, schedule, rate=".001", decay="0"):
    torch.set_num_threads(1)
    torch.manual_seed(int(seed))
    shape, net = network(name, path, int(bits))
    x, labels = pictures("train", shape)
    if name == "cnn":
        net = net.to(memory_format=torch.channels_last)
    loss, optimiser = nn.CrossEntropyLoss(), torch.optim.AdamW if float(decay) else torch.optim.Adam
    steps = optimiser(net.parameters(), lr=float(rate), weight_decay=float(decay))
    total = int(epochs) * -(-len(x) // BATCH)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(steps, total if schedule == "cosine" else 1 << 40)
    began = time.process_time()
    for _ in range(int(epochs)):
        order = torch.randperm(len(x))
        for at in range(0, len(x), BATCH):
            some = order[at:at + BATCH]
            steps.zero_grad(set_to_none=True)
            loss(net(x[some]), labels[some]).backward()
            steps.step()
            rates.step()
    rate = int(epochs) * len(x) / (time.process_time() - began)
    x, labels = pictures("t10k", shape)
    net.eval()
    with torch.no_grad():
        right = sum(int((net(x[at:at + 1000]).argmax(1) == labels[at:at + 1000]).sum()) for at in range(0, len(x), 1000))
    print(right / len(x), round(rate))


if __name__ == "__main__":
    main(*sys.argv[1:])
