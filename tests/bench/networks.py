# SPDX-License-Identifier: Apache-2.0
"""networks.py train|infer mlp|cnn BATCH sgd|adam|-|FOLDER SECONDS MODE THREADS: the peer of network-peer.c,
on PyTorch. MODE: eager, frozen (traced, frozen and optimised), last (channels last), or last-frozen; and
ENGINE-eager and ENGINE-frozen, for integers of 8 bits by that engine. A MODE of training may end in
"-foreach" (all weights in one call of the optimiser), in "-flush" (numbers below the least normal one
are 0), or in both. Prints images a second and the peak
of resident memory in kB, images a second of processor time, and with a FOLDER how many of the test
images are recognised.

networks.py prepare mlp|cnn FOLDER EPOCHS: trains a network on Fashion-MNIST and writes its weights into
the folder, with the test images, their labels, and a thousand images of training for calibration."""
import gzip
import os
import resource
import sys
import time

import numpy
import torch
from torch import nn

torch.manual_seed(1)
EXAMPLES, WARM_UP, TESTED, CALIBRATION = 12800, 30, 10000, 1024
DATA = os.environ.get("ADZE_FASHION_MNIST", "/usr/share/datasets/fashion-mnist")


def make(name):
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
                             nn.Linear(128, 10))
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


def read_idx(name, offset):
    with gzip.open(os.path.join(DATA, name)) as f:
        return numpy.frombuffer(f.read(), numpy.uint8, offset=offset)


def prepare(name, folder, epochs):
    shape = (-1, 784) if name == "mlp" else (-1, 1, 28, 28)
    x = torch.from_numpy(read_idx("train-images-idx3-ubyte.gz", 16) / numpy.float32(255)).view(shape)
    y = torch.from_numpy(read_idx("train-labels-idx1-ubyte.gz", 8).astype(numpy.int64))
    net, loss = make(name), nn.CrossEntropyLoss()
    steps = torch.optim.Adam(net.parameters(), lr=.001)
    for _ in range(epochs):
        for i in torch.randperm(len(x)).split(64):
            steps.zero_grad(set_to_none=True)
            loss(net(x[i]), y[i]).backward()
            steps.step()

    def write(file, numbers):
        numbers.tofile(os.path.join(folder, file))
    write(name + ".f32", numpy.concatenate([p.detach().numpy().ravel() for p in net.parameters()]))
    write("calibration.f32", x[:CALIBRATION].numpy())
    write("test.f32", read_idx("t10k-images-idx3-ubyte.gz", 16) / numpy.float32(255))
    write("test.u8", read_idx("t10k-labels-idx1-ubyte.gz", 8))


if sys.argv[1] == "prepare":
    prepare(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    sys.exit()

what, name, batch, optimiser, seconds, mode, threads = sys.argv[1:]
batch, seconds = int(batch), float(seconds)
folder = optimiser if what == "infer" and optimiser != "-" else None
torch.set_num_threads(int(threads))
torch.set_flush_denormal("flush" in mode.split("-"))
shape = (-1, 784) if name == "mlp" else (-1, 1, 28, 28)


def read(file, dtype=numpy.float32):
    return torch.from_numpy(numpy.fromfile(os.path.join(folder, file), dtype))


net = make(name)
if folder:
    numbers = read(name + ".f32")
    at = 0
    for p in net.parameters():
        p.data = numbers[at:at + p.numel()].view(p.shape).clone()
        at += p.numel()
    x = read("test.f32").view(shape)
else:
    x = torch.rand(EXAMPLES, *shape[1:])
labels = torch.arange(EXAMPLES) * 7 % 10
integers = mode.split("-")[0] in torch.backends.quantized.supported_engines
if mode.startswith("last") or (integers and name == "cnn"):
    net = net.to(memory_format=torch.channels_last)
    x = x.to(memory_format=torch.channels_last)
batches = [(x[i:i + batch], labels[i:i + batch]) for i in range(0, len(x) - batch + 1, batch)]

if what == "train":
    loss = nn.CrossEntropyLoss()
    foreach = "foreach" in mode.split("-")
    steps = (torch.optim.Adam(net.parameters(), lr=.001, foreach=foreach) if optimiser == "adam"
             else torch.optim.SGD(net.parameters(), lr=.1, foreach=foreach))

    def step(a, b):
        steps.zero_grad(set_to_none=True)
        loss(net(a), b).backward()
        steps.step()
else:
    net.eval()
    if integers:
        from torch.ao import quantization
        from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
        engine = mode.split("-")[0]
        torch.backends.quantized.engine = engine
        ready = prepare_fx(net, quantization.get_default_qconfig_mapping(engine), (batches[0][0],))
        known = read("calibration.f32").view(shape) if folder else x[:CALIBRATION]
        with torch.no_grad():
            for i in range(0, CALIBRATION, 64):
                ready(known[i:i + 64])
        net = convert_fx(ready)
    if mode.endswith("frozen"):
        with torch.no_grad():
            net = torch.jit.optimize_for_inference(torch.jit.trace(net, batches[0][0]))

    def step(a, b):
        with torch.no_grad():
            net(a)

done = 0
while done < WARM_UP:
    step(*batches[done % len(batches)])
    done += 1
begun, cpu, timed = time.perf_counter(), time.process_time(), 0
while timed % 8 or time.perf_counter() - begun < seconds:
    step(*batches[(done + timed) % len(batches)])
    timed += 1
rate = timed * batch / (time.perf_counter() - begun)
cpu_rate = timed * batch / (time.process_time() - cpu)
line = "%.1f 0 %d %.1f" % (rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, cpu_rate)
if folder:
    truth = read("test.u8", numpy.uint8)
    with torch.no_grad():
        found = torch.cat([net(i).argmax(1) for i in x[:TESTED].split(1000)])
    line += " %.4f" % (found == truth).float().mean()
print(line)
