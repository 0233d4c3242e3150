#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# recommend in whole pipelines: the errors that it tells are those of what quantize writes, its mix is the best
# of all, its recipe makes what it says, and what cannot be reached is refused.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
expect="$TOP_SRCDIR/tests/pipelines/recommends.py"
must python3 "$expect" make

# pipeline NAME MODEL [LINE...]: writes NAME.toml with one stage; the lines are its own.
pipeline ()
{
  local name=$1 model=$2
  shift 2
  {
    printf 'adze = 1\nname = "%s"\n\n[model]\npath = "%s.safetensors"\n\n[[stage]]\nuse = "recommend"\n' "$name" "$model"
    printf 'source = "%s.safetensors"\ntarget = "%s-small.safetensors"\n' "$model" "$name"
    printf '%s\n' "$@"
    printf '\n[[output]]\npath = "%s-recipe.toml"\nfrom = "recommend.recipe"\n' "$name"
  } > "$name.toml"
}

# report NAME: of the last run.
report ()
{
  cp "$(ls -d adze-runs/0* | tail -n 1)/report.json" "$1.json"
}

# ---- Its errors are true.
pipeline int8 six 'candidates = ["int8"]' 'sqnr = 20'
must "$ADZE" run int8.toml
report int8
must "$ADZE" run int8-recipe.toml
must python3 "$expect" nothing-lost int8.json six.safetensors int8-small.safetensors

# ---- The best of all mixes.
group='{ use = "int4", per = "group", group = 8 }'
pipeline int4 six "candidates = [$group]" 'sqnr = 5'
must "$ADZE" run int4.toml
report int4
pipeline int2 six 'candidates = ["int2"]' 'bytes = 1000'
must_fail "no mix of the candidates is that small: the smallest one has 828 bytes of tensors, and 100 were" \
  "$ADZE" run int2.toml --set stage.recommend.bytes=100
must "$ADZE" run int2.toml --set stage.recommend.bytes=828
report int2
for limit in 900 1200 1700 2400 3500 5000; do
  pipeline all six "candidates = [\"int8\", $group, \"int2\"]" "bytes = $limit"
  must "$ADZE" run all.toml
  report all
  must python3 "$expect" least all.json $limit int8.json int4.json int2.json
done

# ---- Its recipe, for names that are patterns as well, and more tensors than can be searched through.
pipeline many many 'candidates = ["int8", "int4", "int2", "f16"]' 'bits = 6.3'
must "$ADZE" run many.toml --set run.threads=1
must "$ADZE" run many-recipe.toml
size=$(python3 -c "import os; print(os.path.getsize('many.safetensors'))")
numbers=$(python3 -c "import json; f = open('many.safetensors', 'rb'); n = int.from_bytes(f.read(8), 'little'); print(($size - 8 - n) // 4)")
must python3 "$expect" bytes many-small.safetensors $((numbers * 63 * 99 / 80 / 100)) $((numbers * 63 / 80))
cp many-recipe.toml one.toml
must "$ADZE" run many.toml --fresh --set run.threads=3
cmp many-recipe.toml one.toml || complain "threads are seen in the recipe"
must "$ADZE" run many.toml --set stage.recommend.error=relative
cmp -s many-recipe.toml one.toml && complain "nothing changes where errors are relative"
must "$ADZE" run many.toml --set stage.recommend.keep='["layer.1*"]' --set stage.recommend.bits=16
[ "$(grep -c 'skip = true' many-recipe.toml)" -ge 11 ] || complain "what is to be kept is not skipped by the recipe"

# ---- What is refused.
must_fail 'none of the parameters' "$ADZE" run many.toml --set stage.recommend.bits=0
must_fail 'more than one of the parameters' "$ADZE" run many.toml --set stage.recommend.sqnr=3
must_fail 'no tensor of the model is meant by "nosuch"' "$ADZE" run many.toml --set stage.recommend.keep='["nosuch"]'
must_fail "there is no codec 'nosuch'" "$ADZE" plan many.toml --set stage.recommend.candidates='["nosuch"]'
python3 - << END || complain "no broken model"
import sys
sys.path.insert(0, "$TOP_SRCDIR/tests/pipelines")
import techniques
model = techniques.read("six.safetensors")
model["t3"][2][77] = float("nan")
techniques.write("nan.safetensors", model)
END
pipeline nan nan 'sqnr = 20'
must_fail "tensor 't3' is NaN at element 77" "$ADZE" run nan.toml
must "$ADZE" run nan.toml --set stage.recommend.keep='["t3"]'

# ---- A codec of which nothing comes back is no candidate, however small it would be.
python3 - << END || complain "no model of large numbers"
import sys
sys.path.insert(0, "$TOP_SRCDIR/tests/pipelines")
import techniques
draw = [((i * 2654435761) % 1000 - 500) / 500 for i in range(8 * 32)]
techniques.write("large.safetensors", {"huge": ("F32", [8, 32], [x * 1e30 for x in draw]), "plain": ("F32", [8, 32], draw)})
END
pipeline large large 'candidates = ["q8_0", "f16", "int8"]' 'sqnr = 30'
must "$ADZE" run large.toml
report large
must python3 - << 'END'
import json
table = json.load(open("large.json"))["stages"]["recommend"]["tables"]["mix"]
rows = {row["tensor"]: row for row in table}
assert rows["huge"]["codec"] == "int8", rows["huge"]
assert rows["plain"]["codec"] != "as it is" and rows["plain"]["sqnr"] < 300, rows["plain"]
END
finish
