# SPDX-License-Identifier: Apache-2.0
"""What test-low-rank.sh expects, computed anew in Python.

ranks.py make                    writes low.safetensors, of matrices that are sums of few others and a little noise
ranks.py IN OUT U V TENSOR RANK  prints the length of what TENSOR of IN and the product of U and V of OUT differ by, as
                                 a share of the tensor's; a factor that has not this RANK is an error
"""
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import techniques  # noqa: E402


def product(left, right, rows, inner, columns):
    return [sum(left[i * inner + k] * right[k * columns + j] for k in range(inner))
            for i in range(rows) for j in range(columns)]


def low(rows, columns, rank, noise, seed):
    numbers = techniques.numbers(rows * rank + rank * columns + rows * columns, seed)
    take = [math.atan(next(numbers) * 50) for _ in range(rows * rank + rank * columns + rows * columns)]
    made = product(take[:rows * rank], take[rows * rank:], rows, rank, columns)
    return [x + noise * y for x, y in zip(made, take[-rows * columns:])]


def make():
    techniques.write("low.safetensors", {
        "fc.weight": ("F32", [40, 30], [techniques.float32(x) for x in low(40, 30, 5, 0.01, 3)]),
        "fc.bias": ("F32", [40], [0.5] * 40),
        "wide": ("F64", [12, 80], low(12, 80, 4, 1e-12, 5)),
        "half.weight": ("F16", [33, 33], [techniques.float16(x) for x in low(33, 33, 3, 0.02, 9)]),
        "ids": ("I32", [2, 2], [1, 2, 3, 4]),
    })
    techniques.write("odd.safetensors", {
        "empty": ("F32", [0, 7], []),
        "none": ("F32", [7, 0], []),
        "row": ("F32", [1, 9], [float(i) for i in range(9)]),
        "zeros": ("F32", [20, 20], [0.0] * 400),
        "same": ("F32", [20, 20], [2.5] * 400),
        "huge": ("F64", [8, 8], [x * 1e300 for x in low(8, 8, 2, 0, 4)]),
        "tiny": ("F64", [8, 8], [x * 1e-300 for x in low(8, 8, 2, 0, 6)]),
    })


def main():
    before, after = techniques.read(sys.argv[1]), techniques.read(sys.argv[2])
    dtype, shape, numbers = before[sys.argv[5]]
    u, v, rank = after[sys.argv[3]], after[sys.argv[4]], int(sys.argv[6])
    rows, columns = shape[0], len(numbers) // shape[0]
    if u[:2] != (dtype, [rows, rank]) or v[:2] != (dtype, [rank, columns]):
        sys.exit(f"the factors of {dtype} {shape} are {u[:2]} and {v[:2]}, wanted is rank {rank}")
    # Numbers next to the ends of float64 have squares that are none.
    scale = 2.0 ** -math.frexp(max(map(abs, numbers)) or 1)[1]
    made = product([x * math.sqrt(scale) for x in u[2]], [x * math.sqrt(scale) for x in v[2]], rows, rank, columns)
    lost = sum((x * scale - y) ** 2 for x, y in zip(numbers, made))
    print(math.sqrt(lost / (sum((x * scale) ** 2 for x in numbers) or 1)))


if sys.argv[1:] == ["make"]:
    make()
else:
    main()
