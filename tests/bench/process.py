# SPDX-License-Identifier: Apache-2.0
"""process.py mlp|cnn BATCH sgd|adam EPOCHS LAST: the peer of bench-process.sh, on PyTorch: reads
Fashion-MNIST, trains, evaluates, and prints the accuracy and the peak of resident memory in kB. LAST: 1
for channels last."""
import gzip
import resource
import sys

import numpy
import torch
from torch import nn

name, batch, optimiser, epochs, last = sys.argv[1:]
batch, epochs = int(batch), int(epochs)
FOLDER = "/usr/share/datasets/fashion-mnist/"
torch.manual_seed(1)
torch.set_flush_denormal(True)


def read(what, head):
    with gzip.open(FOLDER + what) as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=head)


def examples(part):
    pictures = torch.from_numpy(read(part + "-images-idx3-ubyte.gz", 16).copy()).reshape(-1, 784)
    labels = torch.from_numpy(read(part + "-labels-idx1-ubyte.gz", 8).astype(numpy.int64))
    return pictures, labels


def shown(pictures):
    x = pictures.float() / 255
    if name == "cnn":
        x = x.reshape(-1, 1, 28, 28)
        if last == "1":
            x = x.to(memory_format=torch.channels_last)
    return x


if name == "mlp":
    net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
                        nn.Linear(128, 10))
else:
    net = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))
    if last == "1":
        net = net.to(memory_format=torch.channels_last)
steps = (torch.optim.Adam(net.parameters(), lr=.001, foreach=True) if optimiser == "adam"
         else torch.optim.SGD(net.parameters(), lr=.1, foreach=True))
loss = nn.CrossEntropyLoss()
x, y = examples("train")
for epoch in range(epochs):
    order = torch.randperm(len(x))
    for at in range(0, len(x) - batch + 1, batch):
        chosen = order[at:at + batch]
        steps.zero_grad(set_to_none=True)
        loss(net(shown(x[chosen])), y[chosen]).backward()
        steps.step()
right = 0
x, y = examples("t10k")
with torch.no_grad():
    for at in range(0, len(x), 1000):
        right += int((net(shown(x[at:at + 1000])).argmax(1) == y[at:at + 1000]).sum())
print("%.4f %d" % (right / len(x), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
