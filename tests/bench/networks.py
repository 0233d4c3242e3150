# SPDX-License-Identifier: Apache-2.0
"""networks.py train|infer mlp|cnn BATCH sgd|adam|- SECONDS MODE THREADS: the peer of network-peer.c, on
PyTorch. MODE: eager, frozen (traced, frozen and optimised), last (channels last), or last-frozen. Prints
images a second and the peak of resident memory in kB."""
import resource
import sys
import time

import torch
from torch import nn

torch.manual_seed(1)
what, name, batch, optimiser, seconds, mode, threads = sys.argv[1:]
batch, seconds = int(batch), float(seconds)
torch.set_num_threads(int(threads))
EXAMPLES, WARM_UP = 12800, 30

if name == "mlp":
    net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
                        nn.Linear(128, 10))
    x = torch.rand(EXAMPLES, 784)
else:
    net = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))
    x = torch.rand(EXAMPLES, 1, 28, 28)
labels = torch.arange(EXAMPLES) * 7 % 10
if mode.startswith("last"):
    net = net.to(memory_format=torch.channels_last)
    x = x.to(memory_format=torch.channels_last)
batches = [(x[i:i + batch], labels[i:i + batch]) for i in range(0, EXAMPLES - batch + 1, batch)]

if what == "train":
    loss = nn.CrossEntropyLoss()
    steps = (torch.optim.Adam(net.parameters(), lr=.001) if optimiser == "adam"
             else torch.optim.SGD(net.parameters(), lr=.1))

    def step(a, b):
        steps.zero_grad(set_to_none=True)
        loss(net(a), b).backward()
        steps.step()
else:
    net.eval()
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
begun, timed = time.perf_counter(), 0
while timed % 8 or time.perf_counter() - begun < seconds:
    step(*batches[(done + timed) % len(batches)])
    timed += 1
rate = timed * batch / (time.perf_counter() - begun)
print("%.1f 0 %d" % (rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
