#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same run twice gives the same bytes and does nothing the second time; a changed plugin,
# parameter, file or input does again what depends on it and nothing else, and --explain says why.
. "$(dirname "$0")/runs-lib.sh"
model model.safetensors 6 32 32
cp model.safetensors other.safetensors

pipeline ()
{
  cat << END
adze = 1
name = "results"
[model]
path = "model.safetensors"
[[stage]]
use = "clip"
percentile = $1
[[stage]]
use = "fault"
mode = "none"
[[stage]]
use = "cast"
to = "f16"
[[stage]]
use = "clip"
id = "again"
percentile = $2
[[output]]
path = "clipped.safetensors"
from = "clip.model"
[[output]]
path = "out.safetensors"
END
}

pipeline 99 98 > p.toml
must "$ADZE" run p.toml
cached false false
cp out.safetensors first.safetensors
cp clipped.safetensors first-clipped.safetensors
must "$ADZE" run p.toml
cached true true
cmp out.safetensors first.safetensors || complain "the second run gave other bytes"
# So it does when what no run needs any more has been thrown away.
must "$ADZE" runs clean --keep 1
must "$ADZE" run p.toml
cached true true
must "$ADZE" run p.toml --fresh
cached false false
cmp out.safetensors first.safetensors || complain "a fresh run gave other bytes"
cmp clipped.safetensors first-clipped.safetensors || complain "a fresh run gave other bytes"

must "$ADZE" run p.toml --explain
[ "$(grep -c 'is there already' must.out)" = 3 ] || complain "--explain does not see the results"

# A parameter of the second segment: the first is not done again.
pipeline 99 97 > p.toml
must "$ADZE" run p.toml --explain
grep -q 'parameter percentile.* was 98.0, is 97.0' must.out || {
  complain "--explain does not name the parameter"
  cat must.out
}
# Another pipeline's stage of that name is none of its past.
sed 's/^name = "results"$/name = "other"/' p.toml > other.toml
must "$ADZE" run other.toml --set stage.again.percentile=96
must "$ADZE" run p.toml --explain
grep -q 'parameter percentile.* was 98.0, is 97.0' must.out || {
  complain "--explain takes another pipeline's run for the last of this one"
  cat must.out
}
must "$ADZE" run p.toml
cached true false
cmp -s out.safetensors first.safetensors && complain "another parameter gave the same bytes"

# What it was is what the last run used, whichever result was made last; and what an earlier segment
# gives is no input.
must "$ADZE" run p.toml --set stage.clip.percentile=99.9
must "$ADZE" run p.toml
cached true false
# explains SETTINGS... < LINES: this is what --explain says of p.toml.
explains ()
{
  cat > wanted
  must "$ADZE" run p.toml --explain "$@"
  sed "s|$PWD/||g" must.out | cmp -s - wanted || {
    complain "--explain $* says something else:"
    sed "s|$PWD/||g" must.out | diff - wanted >&2
  }
}
explains --set seed=4 << END
segment 1 of 2 (clip, fault): would be done again
  because seed was 0, is 4
segment 2 of 2 (cast, again): would be done again
  because stage cast: what stage clip gives is done again
  because seed was 0, is 4
output clipped.safetensors: would be written again
  because what stage clip gives is done again
END
# What is there already is not done again, but another than the last run had.
explains --set stage.clip.percentile=99.9 --set stage.again.percentile=95 << END
segment 1 of 2 (clip, fault): is there already
segment 2 of 2 (cast, again): would be done again
  because stage cast: what stage clip gives was made otherwise the last time (stage clip: parameter percentile was 99.0, is 99.9)
  because stage again: parameter percentile was 97.0, is 95.0
output clipped.safetensors: would be written again
  because its file clipped.safetensors is another than the one that was made, though of its size
  because what stage clip gives was made otherwise the last time (stage clip: parameter percentile was 99.0, is 99.9)
END

# ---- Passes that are cut otherwise, since outputs are: the last run is compared with all the same.

cp p.toml uncut.toml
cat > p.toml << END
adze = 1
name = "cut"
[model]
path = "model.safetensors"
[[stage]]
use = "clip"
percentile = 90
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "one.safetensors"
[[output]]
path = "two.safetensors"
from = "clip.model"
[[output]]
path = "three.safetensors"
from = "clip.model"
END
explains --set stage.clip.id='"first"' --set stage.cast.id='"second"' \
  --set 'output.1.from="first.model"' --set 'output.2.from="first.model"' << END
segment 1 of 2 (first): has never been done
segment 2 of 2 (second): has never been done
output two.safetensors: would be written
  because no run of this pipeline has written it
output three.safetensors: would be written
  because no run of this pipeline has written it
END
must "$ADZE" run p.toml --set 'output.1.from="cast.model"' --set 'output.2.from="cast.model"'
explains --set stage.clip.percentile=95 << END
segment 1 of 2 (clip): would be done again
  because stage clip: parameter percentile was 90.0, is 95.0
  because what stage clip gives was not kept, is kept among the results
  because the last time these stages ran so: (clip, cast)
segment 2 of 2 (cast): would be done again
  because stage cast: what stage clip gives is done again
  because what stage cast gives was kept among the results, is written to one.safetensors
  because the last time these stages ran so: (clip, cast)
output two.safetensors: would be written again
  because it came from stage cast, comes from stage clip
output three.safetensors: would be written again
  because it came from stage cast, comes from stage clip
END
must "$ADZE" run p.toml
# Where it has changed since then, the newest run is what counts, however that one was cut.
explains --set 'output.1.from="input.model"' << END
segment 1 of 2 (clip): is there already
segment 2 of 2 (cast): is there already
output two.safetensors: would be written again
  because it came from stage clip, comes from model.safetensors
output three.safetensors: is there already
END
rm three.safetensors
echo >> two.safetensors
size=$(stat -c %s two.safetensors)
explains << END
segment 1 of 2 (clip): is there already
segment 2 of 2 (cast): is there already
output two.safetensors: would be written again
  because its file two.safetensors has changed: it had $((size - 1)) bytes, and has $size
output three.safetensors: would be written again
  because its file three.safetensors has gone
END
must "$ADZE" run p.toml
cmp two.safetensors three.safetensors || complain "a copy that was changed is not made again"

# A stage is put in between, and taken out.
cp p.toml without.toml
sed 's/^use = "cast"/use = "profile"\n[[stage]]\n&/' without.toml > p.toml
explains << END
segment 1 of 2 (clip, profile): would be done again
  because stage profile was not there the last time
segment 2 of 2 (cast): would be done again
  because stage cast: what stage clip gives is done again
output two.safetensors: would be written again
  because what stage clip gives is done again
output three.safetensors: would be written again
  because what stage clip gives is done again
END
sed 's/^use = "cast"/use = "clip"\nid = "between"\npercentile = 80\n[[stage]]\n&/' without.toml > p.toml
must "$ADZE" run p.toml
cp without.toml p.toml
must "$ADZE" run p.toml --explain --set stage.cast.to='"bf16"'
grep -q 'stage cast: its input model came from stage between, comes from stage clip' must.out || {
  complain "--explain does not say that a stage that was in between is not there any more"
  cat must.out
}
must "$ADZE" run p.toml
# Another technique under the same name: its parameters are no changes.
sed 's/^use = "cast"/use = "clip"\nid = "cast"/; s/^to = .*//' without.toml > p.toml
must "$ADZE" run p.toml --explain
grep -c 'because stage cast' must.out | grep -qx 1 &&
  grep -q 'because stage cast: technique was cast, is clip' must.out || {
  complain "--explain does not say that a stage has another technique"
  cat must.out
}

# Outputs are told apart by their files, wherever they stand; a new one was never there.
cp without.toml p.toml
must "$ADZE" run p.toml
sed -i '/^path = "one/,$d' p.toml
cat >> p.toml << END
path = "new.safetensors"
from = "clip.model"
[[output]]
path = "three.safetensors"
from = "clip.model"
[[output]]
path = "one.safetensors"
END
explains << END
segment 1 of 2 (clip): is there already
segment 2 of 2 (cast): is there already
output new.safetensors: would be written
  because the last run had no such output
output three.safetensors: is there already
END
cp without.toml p.toml

# Another file for the same port is no file that changed.
explains --set 'model.path="../tmp/other.safetensors"' << END
segment 1 of 2 (clip): is there already
segment 2 of 2 (cast): is there already
output two.safetensors: is there already
output three.safetensors: is there already
END
model elsewhere.safetensors 6 32 32 7
must "$ADZE" run p.toml --explain --set 'model.path="elsewhere.safetensors"'
grep -q 'because stage clip: input model was model.safetensors, is elsewhere.safetensors' must.out || {
  complain "--explain takes another file for one that changed"
  cat must.out
}

# A run that broke off knows nothing of what it did not come to.
sed -i 's/^to = "f16"/&\n[[stage]]\nuse = "profile"\nrequire = "parameters > 10000"/' p.toml
must_fail "parameters" "$ADZE" run p.toml --set 'name="broken"' --set stage.clip.percentile=97
must "$ADZE" run p.toml --explain --set 'name="broken"' --set stage.clip.percentile=97
grep -q 'was not there the last time\|had no such output' must.out && {
  complain "--explain says of a run that broke off what that could not know"
  cat must.out
}
# It is the last one when it is gone on with and ends last, whatever its number: a larger model holds
# what it asks for.
must "$ADZE" run p.toml --set 'name="broken"' --set stage.clip.percentile=96 \
  --set 'stage.profile.require="parameters > 1"'
mv model.safetensors small.safetensors
model model.safetensors 6 64 64
must "$ADZE" run p.toml --set 'name="broken"' --set stage.clip.percentile=97
must "$ADZE" run p.toml --explain --set 'name="broken"' --set stage.clip.percentile=98
grep -q 'parameter percentile was 97.0, is 98.0' must.out && ! grep -q 'changed' must.out || {
  complain "--explain does not compare with the run that ended last"
  cat must.out
}
mv small.safetensors model.safetensors
# A project that was moved has the outputs that it had.
mkdir moved
cp model.safetensors without.toml moved/
must env --chdir=moved "$ADZE" run without.toml
mv moved elsewhere
must "$ADZE" run elsewhere/without.toml --explain
grep -A1 '^output three.safetensors: would be written again' must.out |
  grep -q 'the output: path was .*/moved/three.safetensors, is .*/elsewhere/three.safetensors' || {
  complain "--explain does not know the outputs of a project that was moved"
  cat must.out
}
cp without.toml p.toml

# What is not asked for any more is not kept.
sed 's/^to = "f16"/&\n[[stage]]\nuse = "profile"/' without.toml > p.toml
must "$ADZE" run p.toml
explains --set 'output.0.from="clip.model"' << END
segment 1 of 2 (clip): is there already
segment 2 of 2 (cast, profile): would be done again
  because what stage cast gives was written to one.safetensors, is not kept
output one.safetensors: would be written again
  because the last time the pass of (cast, profile) wrote it
output two.safetensors: is there already
output three.safetensors: is there already
END
cp without.toml p.toml

# The last run is the newest that finished, whatever it had, and whether its results are there or not.
cat > p.toml << END
adze = 1
name = "cut"
[model]
path = "model.safetensors"
[[stage]]
use = "clip"
percentile = 90
[[output]]
path = "two.safetensors"
END
must "$ADZE" run p.toml
cp without.toml p.toml
must "$ADZE" run p.toml --explain --set stage.cast.to='"bf16"'
grep -q 'because stage cast was not there the last time' must.out && ! grep -q 'f16", is' must.out || {
  complain "--explain compares with a run before the last one"
  cat must.out
}
must "$ADZE" run p.toml
must "$ADZE" run p.toml --set stage.clip.percentile=91
must "$ADZE" run p.toml
for record in adze-runs/results/*.json; do
  grep -q '"stage": "cast"' "$record" && grep -q '"clip"' "$record" && rm "$record"
done
must "$ADZE" run p.toml --explain
grep -A1 'segment 2 of 2 (cast): would be done again' must.out |
  grep -q 'because what was kept of it is no longer there' || {
  complain "--explain gives another reason where a result has gone"
  cat must.out
}
must "$ADZE" run p.toml
# What a stage gives may be gone while what it gave is known: that alone does nothing to others.
rm adze-runs/results/*.data
touch two.safetensors
must "$ADZE" run p.toml --explain
grep -A1 '^output two.safetensors: would be written again' must.out | grep -q 'has other times' &&
  ! grep -q 'what stage clip gives is done again' must.out || {
  complain "--explain gives a reason that is none"
  cat must.out
}
must "$ADZE" run p.toml
rm one.safetensors two.safetensors three.safetensors
cp uncut.toml p.toml

# The same in other words is the same: a whole number for a float, what the preset is, a size.
cat > words.toml << END
adze = 1
[model]
path = "model.safetensors"
[[stage]]
use = "clip-tensor"
  [[stage.rule]]
  match = "*"
  percentile = 60
[[output]]
path = "words.safetensors.index.json"
shard-size = "40 KB"
END
must "$ADZE" run words.toml
for words in stage.clip-tensor.percentile=99.9 stage.clip-tensor.percentile=100 output.0.shard-size=40000; do
  must "$ADZE" run words.toml --explain --set stage.clip-tensor.rule.0.percentile=60.0 --set $words
  case $words in
    *=100) grep -q 'parameter percentile was 99.9, is 100.0' must.out ;;
    *) grep -q 'is there already' must.out ;;
  esac || {
    complain "--explain with $words says something else"
    cat must.out
  }
done

# Runs that differ in a rule, or in a preset, are told apart by `adze runs table`.
for words in stage.clip-tensor.rule.0.percentile=80 stage.clip-tensor.percentile=95; do
  must "$ADZE" run words.toml --set $words
done
must "$ADZE" runs table words --json
for name in '"param.clip-tensor.percentile": 99.9' '"param.clip-tensor.percentile": 95.0' \
  '"param.clip-tensor.rule.0.percentile": 60.0' '"param.clip-tensor.rule.0.percentile": 80.0'; do
  grep -qF -- "$name" must.out || complain "adze runs table does not show $name"
done

# An output that was changed by hand is made again.
pipeline 99 98 > p.toml
must "$ADZE" run p.toml
echo >> out.safetensors
must "$ADZE" run p.toml --explain
grep -q 'out.safetensors has changed: it had .* bytes' must.out || {
  complain "--explain does not name the changed file"
  cat must.out
}
must "$ADZE" run p.toml
cmp out.safetensors first.safetensors || complain "a changed output was not made again"
# One of the same size may hold what it held: nothing is said of that.
touch out.safetensors
must "$ADZE" run p.toml --explain
grep -q 'out.safetensors has other times than when it was made' must.out || {
  complain "--explain says something else of an output that was touched"
  cat must.out
}
cp out.safetensors copy.safetensors
mv copy.safetensors out.safetensors
must "$ADZE" run p.toml --explain
grep -q 'out.safetensors is another than the one that was made, though of its size' must.out || {
  complain "--explain says something else of an output that was copied"
  cat must.out
}

# Another input: everything.
model model.safetensors 6 32 32 2
must "$ADZE" run p.toml --explain
grep -q 'input .*model.safetensors changed' must.out || {
  complain "--explain does not name the input"
  cat must.out
}
must "$ADZE" run p.toml
cached false false
# The old content under a new inode and time is the old content.
cp other.safetensors model.safetensors
must "$ADZE" run p.toml --fresh
cmp out.safetensors first.safetensors || complain "the same content gave other bytes"

# An input that is touched and says the same is read, and nothing is done.
touch model.safetensors
must "$ADZE" run p.toml
cached true true

# A plugin that was built anew.
if [ "$ADZE_SHARED" != no ]; then
  plugins ../../plugins/techniques/cast/cast
  cp -r plugins one
  export ADZE_PLUGIN_PATH=$PWD/one
  must "$ADZE" run p.toml --fresh
  $CC -shared -fPIC -O1 -DOTHER -fvisibility=hidden -I"$TOP_SRCDIR/sdk/include" \
    -o one/cast.so "$TOP_SRCDIR/plugins/techniques/cast/cast.c"
  printf x >> one/cast.so
  must "$ADZE" run p.toml --explain
  grep -q 'plugin cast .*rebuilt' must.out || {
    complain "--explain does not name the plugin"
    cat must.out
  }
  must "$ADZE" run p.toml
  cached true false
  must_fail "cast" "$ADZE" run p.toml --explain --locked --plugin-path "$TOP_BUILDDIR/plugins/.libs"
  must_fail "cast" "$ADZE" run p.toml --locked --set seed=5 --plugin-path "$TOP_BUILDDIR/plugins/.libs"
fi
finish
