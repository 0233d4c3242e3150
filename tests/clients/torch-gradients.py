# SPDX-License-Identifier: Apache-2.0
# torch-gradients.py FOLDER: networks of torch as ONNX files, each in a folder of its own with what torch
# takes for the gradients of its one output, a sum: gradients.txt has a line "VALUE NUMBER" for each
# input and parameter, input-NUMBER.npy its numbers (inputs alone), gradient-NUMBER.npy torch's gradient
# (of what is a float). All in double precision.
import os, sys, warnings
import numpy, torch
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


class Says(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs):
        return self.function(*self.parts, *inputs)


class Summed(nn.Module):
    """All outputs as one number, each element by another weight."""

    def __init__(self, module, inputs):
        super().__init__()
        self.module = module
        generator = torch.Generator().manual_seed(3)
        for i, output in enumerate(self.outputs(inputs)):
            weight = torch.rand(output.shape, generator=generator, dtype=torch.double) + 0.5
            self.register_buffer(f"w{i}", weight)

    def outputs(self, inputs):
        made = self.module(*inputs)
        flat = []

        def gather(value):
            if isinstance(value, torch.Tensor):
                flat.append(value)
            else:
                for part in value:
                    gather(part)

        gather(made)
        return [value for value in flat if value.is_floating_point()]

    def forward(self, *inputs):
        parts = [(value * getattr(self, f"w{i}")).sum()
                 for i, value in enumerate(self.outputs(inputs))]
        return sum(parts[1:], parts[0])


def attention(q, k, v):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    mask = torch.tril(torch.ones(4, 4, dtype=torch.double))
    return torch.softmax(scores.masked_fill(mask == 0, -1e9), -1) @ v


def doubles(*shape):
    return torch.randn(*shape, dtype=torch.double)


def encoder():
    return nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, activation="gelu", batch_first=True,
                                      norm_first=True)


def cases():
    f = Says
    yield "linear", nn.Linear(3, 4), [doubles(2, 3)]
    yield "mlp", nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.LogSoftmax(-1)), [
        doubles(5, 4)]
    for name, module in [
            ("gelu", nn.GELU()), ("silu", nn.SiLU()), ("elu", nn.ELU(0.5)), ("celu", nn.CELU(0.5)),
            ("selu", nn.SELU()), ("softplus", nn.Softplus()), ("softsign", nn.Softsign()),
            ("leaky", nn.LeakyReLU(0.125)), ("prelu", nn.PReLU(3)), ("tanh", nn.Tanh()),
            ("hardswish", nn.Hardswish()), ("hardsigmoid", nn.Hardsigmoid()),
            ("sigmoid", nn.Sigmoid()), ("softmax", nn.Softmax(1)), ("relu6", nn.ReLU6()),
            ("hardtanh", nn.Hardtanh())]:
        yield name, module, [doubles(2, 3, 4)]
    yield "conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), [doubles(2, 4, 7)]
    yield "conv2d", nn.Conv2d(3, 4, 3, padding=1), [doubles(2, 3, 5, 6)]
    yield "conv2d-groups", nn.Conv2d(4, 8, (3, 2), groups=4, dilation=(2, 1), bias=False), [
        doubles(1, 4, 7, 5)]
    yield "conv3d", nn.Conv3d(2, 3, 2, stride=(1, 2, 1), dilation=(1, 1, 2)), [doubles(1, 2, 3, 4, 5)]
    yield "conv-transpose1d", nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1,
                                                 groups=2), [doubles(2, 4, 5)]
    yield "conv-transpose2d", nn.ConvTranspose2d(3, 2, (3, 2), stride=(2, 1), dilation=(1, 2)), [
        doubles(2, 3, 3, 4)]
    yield "conv-transpose3d", nn.ConvTranspose3d(2, 2, 2), [doubles(1, 2, 2, 3, 2)]
    yield "max-pool", nn.MaxPool2d(3, stride=2, padding=1), [doubles(2, 2, 6, 5)]
    yield "average-pool", nn.AvgPool2d(2, stride=1, padding=1), [doubles(2, 2, 4, 3)]
    yield "global-pools", f(lambda x: (F.adaptive_avg_pool2d(x, 1), F.adaptive_max_pool2d(x, 1))), [
        doubles(2, 3, 4, 4)]
    yield "batch-norm-trains", nn.BatchNorm2d(3).train(), [doubles(4, 3, 2, 2)]
    yield "batch-norm", nn.BatchNorm1d(3).eval(), [doubles(4, 3)]
    yield "layer-norm", nn.LayerNorm((3, 4)), [doubles(2, 3, 4)]
    yield "group-norm", nn.GroupNorm(2, 4), [doubles(2, 4, 3)]
    yield "instance-norm", nn.InstanceNorm1d(3, affine=True), [doubles(2, 3, 5)]
    yield "local-response-norm", nn.LocalResponseNorm(3, alpha=0.5), [doubles(2, 5, 3, 3)]
    yield "lp-normalise", f(lambda x: F.normalize(x, dim=1)), [doubles(3, 4)]
    yield "rnn", nn.RNN(3, 4, nonlinearity="relu"), [doubles(5, 2, 3)]
    yield "rnn-both-ways", nn.RNN(3, 4, bidirectional=True), [doubles(4, 2, 3), doubles(2, 2, 4)]
    yield "gru", nn.GRU(3, 4), [doubles(5, 2, 3)]
    yield "gru-deep", nn.GRU(3, 2, num_layers=2, bidirectional=True), [doubles(3, 2, 3),
                                                                     doubles(4, 2, 2)]
    yield "lstm", nn.LSTM(3, 4), [doubles(5, 2, 3)]
    yield "lstm-batch-first", nn.LSTM(3, 4, batch_first=True), [doubles(2, 4, 3)]
    yield "lstm-deep", f(lambda m, x, h, c: m(x, (h, c)), nn.LSTM(3, 2, num_layers=2,
                                                                  bidirectional=True)), [
        doubles(3, 2, 3), doubles(4, 2, 2), doubles(4, 2, 2)]
    yield "attention", f(attention), [doubles(2, 3, 4, 5), doubles(2, 3, 4, 5), doubles(2, 3, 4, 5)]
    yield "multihead-attention", f(lambda m, x: m(x, x, x)[0],
                                   nn.MultiheadAttention(8, 2, batch_first=True)), [doubles(2, 4, 8)]
    yield "encoder-layer", encoder(), [doubles(2, 4, 8)]
    yield "embedding", nn.Embedding(7, 3), [torch.tensor([[1, 5, 1], [0, 6, 2]])]
    yield "nll", f(lambda x, t: F.nll_loss(F.log_softmax(x, 1), t)), [doubles(4, 3),
                                                                    torch.tensor([0, 2, 1, 1])]
    yield "cross-entropy", f(lambda x, t: F.cross_entropy(x, t, reduction="sum")), [
        doubles(4, 3), torch.tensor([0, 2, 1, 1])]
    yield "mse", f(lambda x, y: ((x - y) ** 2).mean()), [doubles(3, 4), doubles(3, 4)]
    yield "matmul", f(torch.matmul), [doubles(2, 1, 3, 4), doubles(5, 4, 2)]
    yield "einsum", f(lambda a, b: torch.einsum("bij,bjk->ik", a, b)), [doubles(2, 3, 4),
                                                                     doubles(2, 4, 5)]
    yield "prod", f(lambda x: torch.prod(x, 1)), [doubles(3, 4)]
    yield "sums", f(lambda x: (x.mean(1), x.logsumexp(2), x.norm(dim=1), x.amax(2), x.amin(0))), [
        doubles(2, 3, 4)]
    yield "cumsum", f(lambda x: torch.cumsum(x, 1)), [doubles(2, 5)]
    for mode in ["constant", "reflect", "replicate"]:
        yield f"pad-{mode}", f(lambda x, m=mode: F.pad(x, (2, 1, 1, 0), mode=m)), [doubles(1, 2, 3, 4)]
    yield "topk", f(lambda x: torch.topk(x, 2, dim=1)[0]), [doubles(3, 5)]
    yield "gather", f(lambda x, i: torch.gather(x, 1, i)), [doubles(3, 4),
                                                           torch.tensor([[0, 3], [1, 1], [2, 0]])]
    yield "index-select", f(lambda x, i: torch.index_select(x, 1, i)), [doubles(3, 4),
                                                                       torch.tensor([3, 0, 3])]
    yield "scatter", f(lambda x, i, y: torch.scatter(x, 1, i, y)), [
        doubles(3, 4), torch.tensor([[0, 3], [1, 2], [2, 0]]), doubles(3, 2)]
    yield "scatter-add", f(lambda x, i, y: torch.scatter_add(x, 1, i, y)), [
        doubles(3, 4), torch.tensor([[0, 0], [1, 2], [2, 2]]), doubles(3, 2)]
    yield "triangles", f(lambda x: (torch.tril(x), torch.triu(x, 1))), [doubles(4, 4)]
    yield "moved", f(lambda x, y: (torch.cat([x, y], 1)[:, 1:5:2], x.permute(2, 0, 1).reshape(4, -1),
                                  y.expand(2, 2, 4), torch.stack([x, x], 1))), [
        doubles(2, 3, 4), doubles(2, 2, 4)]
    yield "where", f(lambda x, y: torch.where(x > 0.1, x * y, y / (x.abs() + 1))), [doubles(3, 4),
                                                                                doubles(4)]
    yield "clamp", f(lambda x: torch.clamp(x, -0.5, 0.75)), [doubles(3, 4)]
    yield "pixel-shuffle", nn.PixelShuffle(2), [doubles(1, 8, 2, 3)]


def write(folder, module, inputs):
    os.makedirs(folder)
    whole = Summed(module.double(), inputs).double()
    whole.train(module.training)
    names = [f"x{i}" for i in range(len(inputs))]
    torch.onnx.export(whole, tuple(inputs), f"{folder}/model.onnx", input_names=names,
                      opset_version=16, do_constant_folding=False,
                      training=torch.onnx.TrainingMode.PRESERVE)
    given = [value.requires_grad_() if value.is_floating_point() else value for value in inputs]
    whole(*given).backward()
    lines = []
    for name, value in list(zip(names, given)) + list(whole.named_parameters()):
        if name in names:
            numpy.save(f"{folder}/input-{len(lines)}.npy", value.detach().numpy())
        if value.grad is not None:
            numpy.save(f"{folder}/gradient-{len(lines)}.npy", value.grad.numpy())
        lines.append(f"{name} {len(lines)}\n")
    with open(f"{folder}/gradients.txt", "w") as file:
        file.writelines(lines)


def spread(module):
    """Parameters and statistics that are not all the same: those that are, the file has once."""
    for value in list(module.parameters()) + list(module.buffers()):
        if value.is_floating_point():
            value.data += torch.rand(value.shape, dtype=value.dtype) / 4


torch.manual_seed(1)
for name, module, inputs in cases():
    spread(module)
    write(os.path.join(sys.argv[1], name), module, inputs)
