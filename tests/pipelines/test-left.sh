#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a stage could not do for a part of the model is told by the plan and by the run, with how much it
# is and of which types; and the plan lists what comes out of the second model alone.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }

# safetensors FILE HEADER: all bytes of its tensors, 0xff: NaN in 8 bits and in 32.
safetensors ()
{
  python3 - "$@" << 'END'
import json, struct, sys
header = sys.argv[2].encode()
size = max(t["data_offsets"][1] for t in json.loads(header).values())
open(sys.argv[1], "wb").write(struct.pack("<Q", len(header)) + header + b"\xff" * size)
END
}

# pipeline MODEL: p.toml, with the stage from standard input.
pipeline ()
{
  {
    printf 'adze = 1\nname = "p"\n[model]\npath = "%s"\n' "$1"
    cat
    printf '[[output]]\npath = "out.safetensors"\n'
  } > p.toml
}

# says COMMAND WORDS: it ends well and says it, once.
says ()
{
  must "$ADZE" "$1" p.toml
  [ "$(grep -cF -- "$2" must.out)" = 1 ] || {
    complain "$1 should say once: $2"
    cat must.out >&2
  }
}

safetensors half.safetensors '{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"b":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[12,16]},"c":{"dtype":"I32","shape":[1],"data_offsets":[16,20]}}'
safetensors only.safetensors '{"b":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]},"z":{"dtype":"C64","shape":[1],"data_offsets":[4,12]}}'
some="1 of 3 tensors (20 % of the bytes), of type f8_e4m3fn"

pipeline half.safetensors << 'END'
[[stage]]
use = "cast"
to = "f16"
END
says plan "not cast: $some"
says run "not cast: $some"
# A stage in a worker says it as well.
must "$ADZE" run p.toml --fresh --set stage.cast.isolate=true
grep -qF "not cast: $some" must.out || complain "a stage in a worker should say it"
# Whoever leaves it out knows.
printf '  [[stage.rule]]\n  match = "b"\n  skip = true\n' >> p.toml
sed -i '/^\[\[output/,/^path = "out/{H;d};$G' p.toml
must "$ADZE" run p.toml
grep -q "not cast" must.out && complain "what a rule skips is not to be told"

# Complex numbers are no integers, which pass as a matter of course.
for use in cast clip; do
  { printf '[[stage]]\nuse = "%s"\non-no-effect = "warn"\n' $use
    [ $use = clip ] || echo 'to = "f16"'; } | pipeline only.safetensors
  "$ADZE" plan p.toml > must.out 2>&1
  grep -qE "not (cast|clipped): 2 of 2 tensors .*, of type f8_e4m3fn, c64" must.out \
    || complain "$use should speak of complex numbers: $(cat must.out)"
done

pipeline half.safetensors << 'END'
[[stage]]
use = "clip"
nan = "ignore"
on-no-effect = "warn"
END
says run "not clipped: $some"

pipeline half.safetensors << 'END'
[input.other]
kind = "model"
path = "half.safetensors"
[[stage]]
use = "merge"
inputs = { model = "input.model", other = "input.other" }
END
says run "not averaged, but the first model's: $some"
says plan "not done: f8_e4m3fn is no type that merge averages"
says plan "no floats: the first model's"

pipeline only.safetensors << 'END'
[[stage]]
use = "validate"
END
sed -i '/^\[\[output/,$d' p.toml
says run "not looked into: 2 of 2 tensors (100 % of the bytes), of type f8_e4m3fn, c64"
must_fail "tensor 'b' is f8_e4m3fn, whose numbers cannot be looked into" \
  "$ADZE" run p.toml --set 'stage.validate.unread="error"'

# What is not known of all of them holds no requirement: every number of these is NaN.
for use in profile validate; do
  printf '[[stage]]\nuse = "%s"\nrequire = "nan == 0"\n' $use | pipeline only.safetensors
  sed -i '/^\[\[output/,$d' p.toml
  says plan "not looked into: 2 of 2 tensors"
  for isolate in false true; do
    must_fail "stage '$use' could not measure 'nan': 2 of 2 tensors cannot be looked into: 'b' (f8_e4m3fn), 'z' (c64)" \
      "$ADZE" run p.toml --fresh --set stage.$use.isolate=$isolate
  done
done

# Of two models, what only the second one has.
model one.safetensors 2 8 8
model two.safetensors 3 8 8
pipeline one.safetensors << 'END'
[input.other]
kind = "model"
path = "two.safetensors"
[[stage]]
use = "merge"
unmatched = "keep"
inputs = { model = "input.model", other = "input.other" }
END
says plan "f32 [8, 8] (in the other model alone)"
must "$ADZE" plan p.toml --json
python3 - must.out << 'END' || complain "the plan's document has no layer.2.weight"
import json, sys
tensors = json.load(open(sys.argv[1]))["segments"][0]["stages"][0]["tensors"]
assert [t["name"] for t in tensors] == [f"layer.{i}.weight" for i in range(3)]
assert tensors[2]["port"] == "other" and tensors[2]["gives"][0]["name"] == "layer.2.weight"
END
finish
