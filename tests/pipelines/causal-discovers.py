# SPDX-License-Identifier: Apache-2.0
"""What test-causal-discover.sh needs: tables, graphs out of BIF files, orders of both, and graphs held against each other.

  orders FILE OUT N        N tables like FILE (words between blanks or commas) with their columns in other orders: OUT-1.csv ...
  bif FILE OUT N           the graph of a BIF file, N times with its lines in other orders: OUT-1.dag ...
  same FOUND WANTED        are these the same edges?
  skeleton FOUND MATRIX    are these the same pairs as those of a matrix over X1, X2 ...?
  class FOUND MATRIX       and the same marks? (causal-learn: -1 at the beginning of an edge, 1 at its head)
  simulate OUT N EDGES ROWS SEED   a linear table OUT.csv and its graph OUT.dag
"""
import random
import re
import sys


def edges(path):
    found = {}
    for line in open(path):
        words = line.split()
        if len(words) == 3:
            one, mark, other = words
            found[frozenset((one, other))] = mark if mark == "---" else (one, other)
    return found


def read_table(path):
    return [re.split(r"[\s,]+", line.strip()) for line in open(path) if line.strip()]


def orders(path, out, count):
    table = read_table(path)
    for number in range(1, count + 1):
        order = list(range(len(table[0])))
        if number > 1:
            random.Random(number).shuffle(order)
        with open(f"{out}-{number}.csv", "w") as file:
            for row in table:
                file.write(",".join(row[i] for i in order) + "\n")


def bif(path, out, count):
    text = open(path).read()
    lines = []
    for child, parents in re.findall(r"probability\s*\(\s*([^\s|()]+)\s*(?:\|\s*([^()]*))?\)", text):
        parents = [p.strip() for p in parents.split(",") if p.strip()]
        lines += [f"{p} --> {child}" for p in parents] or [child]
    for number in range(1, count + 1):
        random.Random(number).shuffle(lines)
        open(f"{out}-{number}.dag", "w").write("\n".join(lines) + "\n")


def matrix(path):
    rows = [[float(cell) for cell in line.split()] for line in open(path) if line.strip()]
    found = {}
    for i, row in enumerate(rows):
        for j in range(i):
            if row[j] and rows[j][i]:
                names = f"X{i + 1}", f"X{j + 1}"
                head, other = row[j] > 0, rows[j][i] > 0
                found[frozenset(names)] = "---" if head == other else (names[1], names[0]) if head else names
    return found


def simulate(out, count, edge_count, rows, seed):
    draw = random.Random(seed)
    order = list(range(count))
    draw.shuffle(order)
    pairs = draw.sample([(a, b) for a in range(count) for b in range(a + 1, count)], edge_count)
    parents = {i: [] for i in order}
    for a, b in pairs:
        parents[order[b]].append((order[a], draw.uniform(0.5, 1) * draw.choice((-1, 1))))
    names = [f"V{i:03}" for i in range(count)]
    with open(f"{out}.dag", "w") as file:
        for to in range(count):
            file.writelines(f"{names[a]} --> {names[to]}\n" for a, _ in parents[to])
            file.write(names[to] + "\n")
    with open(f"{out}.csv", "w") as file:
        file.write(",".join(names) + "\n")
        for _ in range(rows):
            row = [0.0] * count
            for i in order:
                row[i] = draw.gauss(0, 1) + sum(weight * row[a] for a, weight in parents[i])
            file.write(",".join(f"{number:.8g}" for number in row) + "\n")


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "orders":
        orders(arguments[0], arguments[1], int(arguments[2]))
    elif what == "bif":
        bif(arguments[0], arguments[1], int(arguments[2]))
    elif what == "simulate":
        simulate(arguments[0], *map(int, arguments[1:]))
    else:
        found = edges(arguments[0])
        wanted = edges(arguments[1]) if what == "same" else matrix(arguments[1])
        if what == "skeleton":
            found, wanted = set(found), set(wanted)
        sys.exit(0 if found == wanted else f"found {found}, wanted {wanted}")


main()
