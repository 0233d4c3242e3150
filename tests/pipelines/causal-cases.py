#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cases for the tests of causal-identify, causal-estimate and causal-model.

  pipelines FILE     known.toml, which has all identification cases, each with its graph and the table of what is seen
  compare FILE       what causal-estimate made of it, against what is known
  separations FILE   separations.toml, with all cases of d-separation and backdoor sets
  separated FILE     their reports, against what is known
  simulate           confounded.csv: t and y with a known effect of 2, and what confounds them
"""
import csv
import itertools
import json
import random
import sys

STAGE = """
[[stage]]
id = "{name}"
use = "causal-identify"
inputs = {{ graph = "input.{graph}" }}
treatment = {x}
outcome = {y}
form = "{form}"
[[output]]
path = "{name}.json"
from = "{name}.report"
"""

ESTIMATE = """
[[stage]]
id = "{name}-do"
use = "causal-estimate"
inputs = {{ table = "input.{graph}-seen", estimand = "{name}.estimand", graph = false }}
method = "plug-in"
weight = "probability"
[[output]]
path = "{name}-do.csv"
from = "{name}-do.distribution"
"""


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def plain(name):
    return name.replace("_", "-")


def an_input(name, kind, path):
    return f'[input.{name}]\nkind = "{kind}"\npath = "{path}"\n'


def pipelines(cases):
    text = 'adze = 1\nname = "known"\n'
    stages = ""
    for case in cases:
        graph = plain(case["name"])
        edges = [f"{a} --> {b}" for a, b in case["directed"]] + [f"{a} <-> {b}" for a, b in case["bidirected"]]
        write(f"{graph}.dag", "\n".join(edges) + "\n")
        with open(f"{graph}.csv", "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(case["V"] + ["probability"])
            for key, probability in case["observational"].items():
                rows.writerow(list(key) + [repr(probability)])
        text += an_input(graph, "dag", f"{graph}.dag") + an_input(f"{graph}-seen", "table", f"{graph}.csv")
        for form in ("plainest", "general"):
            names = {"name": f"{graph}-{form}", "graph": graph, "form": form}
            stages += STAGE.format(x=json.dumps(case["X"]), y=json.dumps(case["Y"]), **names)
            if case["identifiable"]:
                stages += ESTIMATE.format(**names)
    write("known.toml", text + stages)


def compare(cases):
    wrong = worst = 0
    for case, form in itertools.product(cases, ("plainest", "general")):
        name = f"{plain(case['name'])}-{form}"
        report = json.load(open(f"{name}.json"))
        if report["identifiable"] != case["identifiable"]:
            print(f"{name}: identifiable is {report['identifiable']}")
            wrong += 1
        if not case["identifiable"]:
            wrong += check_hedge(case, report["hedge"], name)
            continue
        for row in csv.DictReader(open(f"{name}-do.csv")):
            x = "".join(row[v] for v in case["X"])
            y = "".join(row[v] for v in case["Y"])
            worst = max(worst, abs(float(row["probability"]) - case["truth_do"][x][y]))
    print(f"the largest error is {worst}")
    return wrong == 0 and worst < 1e-9


def check_hedge(case, hedge, name):
    """Two forests of the graph's own edges, with the same roots, joined by hidden causes."""
    for part in ("outer", "inner"):
        nodes, edges = hedge[part]["nodes"], [e.split() for e in hedge[part]["edges"]]
        arrows = [(a, b) for a, mark, b in edges if mark == "-->"]
        hidden = [{a, b} for a, mark, b in edges if mark == "<->"]
        known = all([a, b] in case["directed"] for a, b in arrows)
        known = known and all(h in [set(p) for p in case["bidirected"]] for h in hidden)
        joined = len(hidden) == len(nodes) - 1
        rooted = sorted([a for a, _ in arrows] + hedge["roots"]) == sorted(nodes)
        inside = set(hedge["inner"]["nodes"]) < set(hedge["outer"]["nodes"])
        if not (known and joined and rooted and inside):
            print(f"{name}: this is no hedge: {hedge}")
            return 1
    return 0


def separations(cases):
    text = 'adze = 1\nname = "separations"\n'
    stages = ""
    for number, case in enumerate(cases):
        name = f"s{number}"
        nodes = [f"V{i}" for i in range(case["n"])]
        write(f"{name}.dag", "\n".join(nodes + [f"V{a} --> V{b}" for a, b in case["edges"]]) + "\n")
        given = ", ".join(f"V{z}" for z in case["Z"])
        text += an_input(name, "dag", f"{name}.dag")
        stages += f'[[stage]]\nid = "{name}"\nuse = "causal-identify"\ninputs = {{ graph = "input.{name}" }}\n'
        stages += f'separated = ["V{case["x"]} ; V{case["y"]} | {given}"]\n'
        if "backdoor_minimal" in case:
            stages += f'treatment = ["V{case["x"]}"]\noutcome = ["V{case["y"]}"]\n'
        stages += f'[[output]]\npath = "{name}.json"\nfrom = "{name}.report"\n'
    write("separations.toml", text + stages)


def separated(cases):
    wrong = 0
    for number, case in enumerate(cases):
        report = json.load(open(f"s{number}.json"))
        right = report["separations"][0]["separated"] == case["dsep"]
        if "backdoor_minimal" in case:
            known = sorted(sorted(f"V{v}" for v in found) for found in case["backdoor_minimal"])
            right = right and sorted(report["backdoor"]) == known
        if not right:
            print(f"case {number}: {report}")
            wrong += 1
    print(f"{len(cases)} cases, {wrong} wrong")
    return wrong == 0


def simulate():
    draw = random.Random(11)
    with open("confounded.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["z", "w", "t", "y"])
        for _ in range(2000):
            z, w = draw.gauss(0, 1), draw.choice(["a", "b", "c"])
            chance = 1 / (1 + 2.718281828459045 ** -(0.8 * z + {"a": -0.5, "b": 0, "c": 0.5}[w]))
            t = int(draw.random() < chance)
            y = 1 + 2 * t + 1.5 * z + {"a": 0, "b": 1, "c": 2}[w] + draw.gauss(0, 1)
            rows.writerow([f"{z:.6f}", w, t, f"{y:.6f}"])


def main():
    what = sys.argv[1]
    if what == "simulate":
        simulate()
        return True
    cases = json.load(open(sys.argv[2]))
    done = {"pipelines": pipelines, "compare": compare, "separations": separations, "separated": separated}[what](cases)
    return done is not False


sys.exit(not main())
