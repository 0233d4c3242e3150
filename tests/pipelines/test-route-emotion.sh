#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# route-emotion in whole pipelines: the example; what must make no difference (threads, a process of its own, the order of
# domains, the unit of latencies, asking again); monotone terms; ties; fallback; a scorer; and what is refused.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
cp "$TOP_SRCDIR"/docs/examples/{route-emotion.toml,emotion-default.safetensors,domains.csv,queries.csv} .
must "$ADZE" run route-emotion.toml
[ "$(tail -n +2 decisions.csv | cut -d, -f3 | tr '\n' ' ')" = "billing billing counsel counsel travel support general general " ] \
  || complain "the example's queries go where nobody would want them: $(cat decisions.csv)"
grep -q '^1,a,billing,.*,anger,.*,calm,' decisions.csv || complain "the example's first query is not answered calmly: $(cat decisions.csv)"
cat > route.toml << END
adze = 1
name = "route"
seed = 1
[input.emotions]
kind = "model"
path = "$TOP_SRCDIR/share/emotion-default.safetensors"
[input.domains]
kind = "table"
path = "domains.csv"
[input.queries]
kind = "table"
path = "queries.csv"
[[stage]]
use = "route-emotion"
inputs = { emotions = "input.emotions", domains = "input.domains", queries = "input.queries" }
[[output]]
path = "decisions.csv"
from = "route-emotion.decisions"
[[output]]
path = "scores.csv"
from = "route-emotion.scores"
[[output]]
path = "route.json"
from = "route-emotion.report"
END

# routed [OPTION...]
routed ()
{
  must "$ADZE" run route.toml --fresh "$@"
}

# holds EXPRESSION: of Python, in which d are the decisions, s the scores by (query, domain), r the report.
holds ()
{
  python3 - "$1" << 'END' || complain "it should hold that $1; there is: $(cat decisions.csv)"
import csv, json, sys
d = list(csv.DictReader(open("decisions.csv")))
s = {(int(x["query"]), x["domain"]): {k: float(v) for k, v in x.items() if k != "domain"} for x in csv.DictReader(open("scores.csv"))}
r = json.load(open("route.json"))
sys.exit(not eval("(" + sys.argv[1] + ")"))
END
}

# ---- What goes where, and why.
routed
cp decisions.csv first.csv
cp scores.csv first-scores.csv
holds '[x["winner"] for x in d[:2]] == ["billing"] * 2 and d[2]["winner"] == "counsel" and d[4]["winner"] == "travel" and d[5]["winner"] == "support"'
holds 'd[2]["emotion"] == "sadness" and d[2]["tone"] == "gentle" and d[2]["empathy"] != "low" and float(d[2]["empathy-level"]) > 0'
holds 'd[6]["winner"] == "general" and all(d[6][k] == d[7][k] for k in ("winner", "score", "reason")) and r["repeated"] == 1'
holds 'all("has 0." in x["reason"] and x["winner"] in x["reason"] and "follows" in x["reason"] for x in d)'
holds 'float(d[0]["urgency"]) == 0.5 and "urgent" in d[0]["reason"] and float(d[2]["urgency"]) == 0'
holds 'all(0 <= v <= 1 for x in s.values() for k, v in x.items() if k != "query") and abs(sum(r["weights"].values()) - 1) < 1e-12'
holds 'all(abs(.4 * x["relevance"] + .3 * x["compatibility"] + .2 * x["speed"] + .1 * x["quality"] - x["score"]) < 3e-6 for (q, n), x in s.items() if q != 1)'
holds 'all(abs(float(x["margin"]) - (lambda t: t[-1] - t[-2])(sorted(v["score"] for (q, n), v in s.items() if q == int(x["query"])))) < 3e-6 for x in d)'

# ---- What makes no difference.
routed --set run.threads=3 --set stage.route-emotion.isolate=true
cmp decisions.csv first.csv || complain "threads, or a process of its own, make a difference"
cmp scores.csv first-scores.csv || complain "threads, or a process of its own, make a difference to scores"
{ head -1 domains.csv; tail -n +2 domains.csv | tac; } > turned.csv
routed --set input.domains.path=turned.csv
cmp decisions.csv first.csv || complain "the order of domains makes a difference"
python3 -c '
import csv
rows = list(csv.reader(open("domains.csv")))
for r in rows[1:]:
    r[5] = str(float(r[5]) * 1024)
csv.writer(open("slower.csv", "w"), lineterminator="\n").writerows(rows)'
routed --set input.domains.path=slower.csv
cmp decisions.csv first.csv || complain "the unit of latencies makes a difference"
# Each text by itself, without any that is there twice.
{ head -1 queries.csv; sed -n 8p queries.csv; } > alone.csv
routed --set input.queries.path=alone.csv
[ "$(sed -n 's/^1,e,//p' decisions.csv)" = "$(sed -n 's/^7,e,//p' first.csv)" ] || complain "it matters that a text is asked again"

# ---- Better in one term is never worse in all, and never more to others.
for change in "5 60" "6 0.99"; do
  # shellcheck disable=SC2086
  python3 -c '
import csv, sys
rows = list(csv.reader(open("domains.csv")))
rows[3][int(sys.argv[1])] = sys.argv[2]
csv.writer(open("better.csv", "w"), lineterminator="\n").writerows(rows)' $change
  routed --set input.domains.path=better.csv
  holds 'all(x["score"] > float(o["score"]) if n == "counsel" else x["score"] == float(o["score"]) for (q, n), x in s.items() for o in csv.DictReader(open("first-scores.csv")) if int(o["query"]) == q and o["domain"] == n)'
done

# ---- The wheel, as it is for one emotion against another.
python3 -c '
names = ["joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation"]
print("name,keywords,profile,latency,quality")
for n in names:
    print(n + ",word," + n + "=1,1,0.5")' > wheel.csv
printf 'text\nMy old dog died and I cried the whole evening\n' > one.csv
routed --set input.domains.path=wheel.csv --set input.queries.path=one.csv
holds 'd[0]["emotion"] == "sadness" and s[1, "sadness"]["compatibility"] == max(x["compatibility"] for x in s.values())'
holds 'abs(s[1, "sadness"]["compatibility"] + s[1, "joy"]["compatibility"] - 1) < 2e-6'

# ---- Negation turns the wheel.
printf "text\nI am happy\nI am not happy\nI am very happy\nShe isn't happy\nShe isn\xe2\x80\x99t happy\n" > happy.csv
routed --set input.queries.path=happy.csv
holds 'all(d[i]["emotion"] not in ("joy", "trust") for i in (3, 4))'
holds 'd[0]["emotion"] == "joy" and d[2]["emotion"] == "joy" and d[1]["emotion"] not in ("joy", "trust")'
routed --set input.queries.path=happy.csv --set stage.route-emotion.negation-window=0
holds 'd[1]["emotion"] == "joy"'

# ---- A conversation remembers; and another one does not.
printf 'conversation,text\na,My old dog died and I cried\na,ok\nb,ok\n' > talk.csv
routed --set input.queries.path=talk.csv
holds 'd[0]["emotion"] == "sadness" and 0 < float(d[1]["empathy-level"]) < float(d[0]["empathy-level"]) and float(d[2]["empathy-level"]) == 0 and float(d[1]["stability"]) < 1 and float(d[2]["stability"]) == 1'
routed --set input.queries.path=talk.csv --set stage.route-emotion.history=1
holds 'd[1]["emotion"] == d[2]["emotion"]'

# ---- Ties: quality, then latency, then the name.
printf 'name,keywords,latency,quality\nb,word,1,0.5\na,word,1,0.5\n' > tie.csv
routed --set input.domains.path=tie.csv --set input.queries.path=one.csv
holds 'd[0]["winner"] == "a" and float(d[0]["margin"]) == 0 and "comes behind by the order of names" in d[0]["reason"]'
routed --set input.domains.path=tie.csv --set input.queries.path=one.csv --set stage.route-emotion.weight-speed=0 \
  --set stage.route-emotion.weight-relevance=0.6
holds 'd[0]["winner"] == "a"'

# ---- One domain; a fallback.
printf 'name,keywords,latency,quality\nonly,word,1,0.5\n' > single.csv
routed --set input.domains.path=single.csv --set input.queries.path=one.csv
holds 'd[0]["winner"] == "only" and d[0]["margin"] == ""'
routed --set stage.route-emotion.threshold=0.99 --set stage.route-emotion.fallback=general
holds 'all(x["winner"] == "general" for x in d) and d[0]["fallback"] == "yes" and "below the threshold of 0.990, so it falls back to" in d[0]["reason"]'
# The seventh query's best is the fallback itself: that is said, and what is said of margins is true of the winner.
holds 'all(x["fallback"] == "yes" and "below the threshold" in x["reason"] for x in d) and r["fallbacks"] == 8'
holds '"it is the fallback itself" in d[6]["reason"] and float(d[6]["margin"]) > 0 and float(d[0]["margin"]) < 0'
holds 'all(abs(float(x["margin"]) - float(x["score"]) + max(v["score"] for (q, n), v in s.items() if q == int(x["query"]) and n != x["winner"])) < 3e-6 for x in d)'
routed --set stage.route-emotion.threshold=0.45 --set stage.route-emotion.fallback=general
holds '[x["fallback"] for x in d] == ["yes" if max(v["score"] for (q, n), v in s.items() if q == i + 1) < 0.45 else "no" for i, x in enumerate(d)]'

# ---- A long name is cut between characters: what is written is a table that adze reads.
printf 'name,keywords,latency,quality\n%s\303\251\303\251,word,1,0.5\n' "$(printf '%079d' 0)" > long-name.csv
routed --set input.domains.path=long-name.csv --set input.queries.path=one.csv
iconv -f utf-8 -t utf-8 decisions.csv > iconv.out || complain "the decisions are no UTF-8"

# ---- A mark of the byte order, as spreadsheets write it, is no part of a name.
{ printf '\357\273\277'; cat queries.csv; } > marked.csv
routed --set input.queries.path=marked.csv
cmp decisions.csv first.csv || complain "a mark of the byte order makes a difference"

# ---- What is refused.
refuse ()
{
  local reason=$1
  shift
  must_fail "$reason" "$ADZE" run route.toml --fresh "$@"
}
refuse "'train' is a technique, and here a scorer is needed" --set stage.route-emotion.scorer=train
refuse "have the sum 1.1" --set stage.route-emotion.weight-quality=0.2
refuse "names nobody who answers" --set stage.route-emotion.threshold=0.2
refuse "no score is below threshold = 0" --set stage.route-emotion.fallback=general
refuse "has no 'nobody'" --set stage.route-emotion.threshold=0.2 --set stage.route-emotion.fallback=nobody
# bad FILE-KIND REASON LINE...: a table of these lines.
bad ()
{
  local kind=$1 reason=$2
  shift 2
  printf '%b\n' "$@" > bad.csv
  refuse "$reason" --set "input.$kind.path=bad.csv"
}
bad domains "has 0 rows; needed are 1 to" 'name,keywords,latency,quality'
bad domains "has no column 'latency'" name,keywords,quality a,b,1
bad domains "so that nothing is known" name,latency,quality a,1,1
bad domains "line 3: the column 'latency' has '0'" name,keywords,latency,quality a,b,1,1 b,b,0,1
bad domains "line 2: the column 'quality' has 'nan'" name,keywords,latency,quality a,b,1,nan
bad domains "a name that no other domain has" name,keywords,latency,quality a,b,1,1 a,b,1,1
bad domains "line 2: the column 'profile' has 'love=1'" name,keywords,profile,latency,quality a,b,love=1,1,1
bad domains "line 2: the column 'profile' has 'joy=1.5'" name,keywords,profile,latency,quality a,b,joy=1.5,1,1
bad domains "needed is each emotion once" name,keywords,profile,latency,quality 'a,b,joy=1;fear=1;joy=0,1,1'
bad domains "needed is one '='" name,keywords,profile,latency,quality a,b,joy=:=:1,1,1
bad domains "line 2: the column 'profile' has 'joy'" name,keywords,profile,latency,quality a,b,joy,1,1
bad queries "has no rows: nothing is asked" text
bad queries "has no column 'text'" query hello
bad queries "line 3: the query is empty" text,conversation hello,a ' ,a'
bad queries "line 2: the query is empty" text '\0302\0240 \0342\0200\0213\0343\0200\0200'
bad queries "UTF-8" text 'hello\0377'
refuse "no column 'conversation'" --set input.queries.path=one.csv --set stage.route-emotion.history=2
python3 -c 'print("text\n" + "not happy " * 104857)' > long.csv
routed --set input.queries.path=long.csv
python3 -c 'print("text\n" + "a" * 1048577)' > long.csv
refuse "has 1048577 bytes; at most 1048576 are read" --set input.queries.path=long.csv
# A model that is none of emotions.
cat > other.toml << 'END'
adze = 1
name = "other"
[[stage]]
use = "build-model"
input = "4"
layers = ["dense 2"]
[[output]]
path = "other.onnx"
END
must "$ADZE" run other.toml
refuse "so it is no classifier of emotions" --set input.emotions.path=other.onnx

# ---- A scorer, which is a plugin.
plugins weigh-in
case $("$ADZE" list scorer) in *by-quality*) ;; *) complain "the scorer is not listed" ;; esac
routed --set stage.route-emotion.scorer=by-quality
holds 'all(x["winner"] == "counsel" and "by the scorer by-quality" in x["reason"] for x in d) and all(x["score"] == x["quality"] for x in s.values()) and r["scorer"] == "by-quality"'
cp decisions.csv scored.csv
routed --set stage.route-emotion.scorer=by-quality --set stage.route-emotion.isolate=true
cmp decisions.csv scored.csv || complain "in a process of its own a scorer gives something else"
refuse "gives the domain 'billing' 1.6; needed is a score from 0 to 1" \
  --set 'stage.route-emotion.scorer={use="by-quality",times=2}'
printf 'name,keywords,latency,quality\na,word,1,1\n' > top.csv
refuse "gives the domain 'a' 1.0000001; needed is a score from 0 to 1" --set input.domains.path=top.csv \
  --set 'stage.route-emotion.scorer={use="by-quality",times=1.0000001}'
finish
