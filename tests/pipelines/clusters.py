# SPDX-License-Identifier: Apache-2.0
"""What test-cluster.sh expects, computed anew by Python's fractions: without rounding, and without a line of
ours.

clusters.py IN OUT TENSOR K [zeros]: of TENSOR, OUT has at most K values, each number became the nearest of
them, and their squared error is the least that there is; with "zeros", zeros stayed and nothing else
became one.
"""
import os
import sys
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import techniques  # noqa: E402


def least(numbers, k):
    """The least squared error of k clusters, by dynamic programming over all pairs of begin and end."""
    numbers = sorted(map(Fraction, numbers))
    count = len(numbers)
    sums, squares = [Fraction(0)], [Fraction(0)]
    for x in numbers:
        sums.append(sums[-1] + x)
        squares.append(squares[-1] + x * x)

    def cost(begin, end):
        return squares[end] - squares[begin] - (sums[end] - sums[begin]) ** 2 / (end - begin)

    costs = [[cost(b, e) if b < e else None for e in range(count + 1)] for b in range(count)]
    best = costs[0][1:]
    for _ in range(1, min(k, count)):
        best = [min([best[end]] + [best[begin - 1] + costs[begin][end + 1] for begin in range(1, end + 1)])
                for end in range(count)]
    return best[-1]


def main():
    before, after = (techniques.read(path)[sys.argv[3]] for path in sys.argv[1:3])
    k, zeros = int(sys.argv[4]), "zeros" in sys.argv
    if before[:2] != after[:2]:
        sys.exit(f"type or shape are {after[:2]}, wanted {before[:2]}")
    pairs = list(zip(before[2], after[2]))
    values = sorted(set(after[2]))
    if len(values) > k:
        sys.exit(f"there are {len(values)} values")
    if zeros:
        if any((x == 0) != (y == 0) for x, y in pairs):
            sys.exit("zeros have gone or come")
        pairs = [(x, y) for x, y in pairs if x != 0]
        values.remove(0)
        k -= 1
    for x, y in pairs:
        if abs(x - y) > min(abs(x - value) for value in values):
            sys.exit(f"{x} became {y}")
    got = sum(Fraction(x - y) ** 2 for x, y in pairs)
    best = least([x for x, _ in pairs], k)
    if got > best * Fraction(1 + 1e-6):
        sys.exit(f"the squared error is {float(got)}, and {float(best)} is the least")


main()
