#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# adze phase clean in a folder full of traps: exactly what was listed goes, if it is as it was, and nothing else.
. "$(dirname "$0")/lib.sh"
phase_of one joyful
m=models/joyful
newline=$'line\nfeed.log'
bad=$'bytes\377\033[31m.tmp'

# What may go.
mkdir -p $m/logs/deep $m/__pycache__ $m/checkpoint-500 $m/sub
echo 1 > $m/train.log
echo 1 > $m/train.log.3
echo 1 > "$m/$newline"
echo 1 > "$m/$bad"
echo 1 > $m/notes.txt~
echo 1 > $m/logs/deep/a
echo 1 > $m/__pycache__/a.pyc
echo 1 > $m/checkpoint-500/optimizer.pt
echo 1 > $m/sub/x.part
: > $m/sub/empty.safetensors
echo '{"a": ' > $m/broken.json
printf '{"a": "b}' > $m/sub/string.json
printf ' \n' > $m/sub/blank.json
printf '{"a": 1\0\0\0}' > $m/sub/hole.json
printf '\037\213\b\0{}' > $m/sub/packed.json
printf '{"a": 1, /* }' > $m/sub/comment.json
head -c 20000 $m/model.gguf > $m/sub/half.gguf
# What must stay: what the model needs, ...
echo '{"a": 1}' > $m/config.json
echo '{"model_type": "mamba2", "time_step_limit": [0.0, Infinity], "x": [-Infinity, NaN]}' > $m/sub/config.json
printf '\357\273\277{"a": "b\\"}", "c": "]{"}' > $m/sub/tokenizer.json
printf '// it is what it'"'"'s\n{a: '"'"'b"{'"'"', /* [ */ "c": [1,],}\n# don'"'"'t\n' > $m/sub/loose.json
printf '\377\376{\0"\0a\0' > $m/sub/wide.json
printf '{"a": 1}\n{"a": 2}\n' > $m/sub/lines.json
printf '1e400' > $m/sub/number.json
echo text > $m/README.md
cp $m/model.gguf $m/sub/other.gguf
echo 1 > $m/catalog          # ends like one
echo 1 > $m/checkpoint-final # no number
# ... what is elsewhere, and what only looks as if it were here.
mkdir -p outside/logs outside/tmp
echo 1 > outside/precious.log
echo 1 > outside/logs/precious
echo 1 > outside/tmp/precious
ln -s ../../outside/precious.log $m/link.log
ln -s ../../outside/logs $m/sub/logs
ln -s ../../../outside/tmp $m/tmp
ln -s "$PWD/outside" $m/logs/out
ln -s . $m/sub/loop
ln outside/precious.log $m/hard.log
mkfifo $m/pipe.log
mkdir $m/sub/.cache
echo 1 > $m/sub/.cache/kept
chmod a-w $m/sub/.cache
# All that there is to lose, names made visible.
tree () { find models outside -print0 | sort -z | tr '\0' '\n' | cat -v; }
tree > before

# ---- The dry run changes nothing.
expect 0 "$ADZE" phase clean one --json
json_is false domains 0 deleted
cp out list
tree > after
diff before after || fail "a dry run should change nothing"
python3 - <<'END' || fail "the list is not what it should be"
import json
found = json.load(open("list"))["domains"][0]
junk = {item["path"]: item["why"] for item in found["junk"]}
left = {item["path"]: item["why"] for item in found["left"]}
assert set(junk) == {
    "train.log", "train.log.3", "line\nfeed.log", "bytes\ufffd\x1b[31m.tmp", "notes.txt~", "logs/deep/a", "logs/deep",
    "__pycache__/a.pyc", "__pycache__", "checkpoint-500/optimizer.pt", "checkpoint-500", "sub/x.part",
    "sub/empty.safetensors", "broken.json", "sub/half.gguf", "sub/string.json", "sub/blank.json", "sub/hole.json",
    "sub/packed.json", "sub/comment.json"}, sorted(junk)
assert set(left) == {"link.log", "sub/logs", "tmp", "logs/out", "hard.log", "pipe.log", "sub/.cache"}, sorted(left)
assert junk["sub/half.gguf"].startswith("corrupt") and junk["broken.json"] == "corrupt: it is cut off"
assert junk["sub/hole.json"] == "corrupt: it is no text" and junk["sub/blank.json"] == "corrupt: it is empty"
assert "read-only" in left["sub/.cache"] and "hard link" in left["hard.log"]
END
expect 0 "$ADZE" phase clean one
out_has 'line\x0afeed.log'
out_lacks "$(printf '\033')"

# ---- Between the list and the deletion: one grows, one is written to, one becomes a link out, one gets a second name,
# a folder becomes a link out, and one comes that was never listed.
echo more >> $m/train.log
touch -d '2001-01-01' $m/train.log.3
rm $m/broken.json && ln -s ../../outside/precious.log $m/broken.json
ln $m/notes.txt~ outside/notes
mv $m/checkpoint-500 moved && ln -s ../../moved $m/checkpoint-500
echo 1 > $m/__pycache__/new.txt
echo 2 > new && mv new $m/sub/x.part
tree > before
expect 1 "$ADZE" phase clean one --delete --json
cp out gone
python3 - <<'END' || fail "what went is not what it should be"
import json
found = json.load(open("gone"))["domains"][0]
junk = {item["path"] for item in found["junk"]}
left = {item["path"]: item["why"] for item in found["left"]}
assert junk == {"line\nfeed.log", "bytes\ufffd\x1b[31m.tmp", "logs/deep/a", "logs/deep", "__pycache__/a.pyc",
                "sub/empty.safetensors", "sub/half.gguf", "sub/string.json", "sub/blank.json", "sub/hole.json",
                "sub/packed.json", "sub/comment.json"}, sorted(junk)
assert "another size" in left["train.log"]
assert "written to" in left["train.log.3"]
assert "a link now" in left["broken.json"]
assert "hard link" in left["notes.txt~"]
assert "link now" in left["checkpoint-500/optimizer.pt"]
assert "link now" in left["checkpoint-500"]
assert "not deleted" in left["__pycache__"]
assert "another file" in left["sub/x.part"], left["sub/x.part"]
END
tree > after
lost=$(diff before after | sed -n 's/^< //p' | sort)
wanted=$(printf '%s\n' 'models/joyful/bytesM-^?^[[31m.tmp' 'models/joyful/line' 'feed.log' 'models/joyful/logs/deep' \
  'models/joyful/logs/deep/a' 'models/joyful/__pycache__/a.pyc' 'models/joyful/sub/empty.safetensors' \
  models/joyful/sub/{half.gguf,string.json,blank.json,hole.json,packed.json,comment.json} | sort)
[ "$lost" = "$wanted" ] || fail "lost was: $lost"
[ "$(cat outside/precious.log outside/logs/precious outside/tmp/precious moved/optimizer.pt)" = "$(printf '1\n1\n1\n1')" ] \
  || fail "what is outside should be there"

# A list is good for once, and for the folder that was listed.
expect 1 "$ADZE" phase clean one --delete
err_has 'nothing was listed'
expect 0 "$ADZE" phase clean one
mv $m other && cp -a other $m
expect 1 "$ADZE" phase clean one --delete
err_has 'is another folder than the one that was listed'
rm -rf $m && mv other $m

# A folder that is read-only since.
expect 0 "$ADZE" phase clean one
chmod a-w $m/__pycache__
expect 1 "$ADZE" phase clean one --delete
out_has 'left __pycache__/new.txt: lies in a folder that is read-only now'
[ -e $m/__pycache__/new.txt ] || fail "what was made read-only should be there"
chmod u+w $m/__pycache__ $m/sub/.cache

# The folder itself may be read-only, and then nothing of it is listed.
chmod a-w $m
expect 0 "$ADZE" phase clean one
out_has '0 would be deleted'
out_has 'left .: is a read-only folder'
chmod u+w $m

# While a phase is built nothing is deleted, and building deletes nothing by itself.
echo 1 > $m/again.log
rm -f $m/*.safetensors
expect 0 "$ADZE" phase build one
err_has 'could go'
[ -e $m/again.log ] || fail "building should delete nothing unless told"
expect 0 "$ADZE" phase build one --clean --quiet
[ ! -e $m/again.log ] || fail "building should delete what was listed when told"
flock adze-phases/lock "$ADZE" phase clean one > out 2> err && fail "two at a time should be refused"
err_has 'another adze phase is building or cleaning'
done_
