# SPDX-License-Identifier: Apache-2.0
"""The peer of accuracy.sh, on PyTorch, and the one who judges both.

accuracy.py train mlp|cnn SEED EPOCHS THREADS  trains on Fashion-MNIST, and prints the share of its test
                                               set that is told right
accuracy.py judge NAME FILE                    FILE has a line for each seed: SEED OURS THEIRS
"""
import gzip
import math
import sys

FOLDER, BATCH = "/usr/share/datasets/fashion-mnist", 64
# The means may differ by this much.
ALLOWED = .003
# Of Student's t, one to thirty degrees of freedom: 2.5 % are beyond.
BEYOND = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
          2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
          2.052, 2.048, 2.045, 2.042)


def pictures(part, shape):
    import numpy
    import torch
    with gzip.open(f"{FOLDER}/{part}-images-idx3-ubyte.gz") as file:
        raw = numpy.frombuffer(file.read(), numpy.uint8, offset=16)
    with gzip.open(f"{FOLDER}/{part}-labels-idx1-ubyte.gz") as file:
        labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
    return (torch.from_numpy(raw.astype(numpy.float32) / 255).reshape(-1, *shape),
            torch.from_numpy(labels.astype(numpy.int64)))


def train(name, seed, epochs, threads):
    import torch
    from torch import nn
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    if name == "mlp":
        shape = (784,)
        net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
                            nn.Linear(128, 10))
    else:
        shape = (1, 28, 28)
        net = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                            nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))
        net = net.to(memory_format=torch.channels_last)
    x, labels = pictures("train", shape)
    loss, steps = nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=.001)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for at in range(0, len(x), BATCH):
            some = order[at:at + BATCH]
            steps.zero_grad(set_to_none=True)
            loss(net(x[some]), labels[some]).backward()
            steps.step()
    x, labels = pictures("t10k", shape)
    with torch.no_grad():
        right = sum(int((net(x[at:at + 1000]).argmax(1) == labels[at:at + 1000]).sum())
                    for at in range(0, len(x), 1000))
    print(right / len(x))


def judge(name, path):
    with open(path) as file:
        rows = [[float(word) for word in line.split()[1:]] for line in file]
    count = len(rows)
    ours, theirs = (sum(column) / count for column in zip(*rows))
    apart = [a - b for a, b in rows]
    mean = sum(apart) / count
    print(f"{name}: {count} seeds, mean accuracy ours {ours:.4f}, torch {theirs:.4f}; differences "
          + " ".join(f"{d:+.4f}" for d in apart))
    if not 2 <= count <= len(BEYOND) + 1:
        sys.exit(f"{name}: no interval of {count} seeds")
    deviation = math.sqrt(sum((d - mean) ** 2 for d in apart) / (count - 1))
    half = BEYOND[count - 2] * deviation / math.sqrt(count)
    print(f"{name}: paired difference {mean:+.4f}, 95 % interval [{mean - half:+.4f}, {mean + half:+.4f}]")
    reached = mean >= -ALLOWED and mean + half >= 0
    print(f"{name}: mean at most {ALLOWED} below torch's, interval not wholly below zero: "
          + ("reached" if reached else "NOT REACHED"))
    sys.exit(not reached)


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        judge(*sys.argv[2:])
