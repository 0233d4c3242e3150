#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# adze phase: from a phase that is planned to a bundle that is deployed; what is refused on the way, and why.
. "$(dirname "$0")/lib.sh"

# ---- The verbs are found: as a program beside adze, and from PATH.
expect 0 "$ADZE" phase --help
out_has 'Usage: adze phase VERB'
expect 0 "$ADZE" phase build --help
out_has 'Usage: adze phase build [OPTION]... PHASE'
out_has 'man adze-phase'
expect 0 "$ADZE" phase --words
out_has rollback
expect 2 "$ADZE" phase biuld
err_has "did you mean 'phase build'"
mkdir beside && cp "$ADZE" beside/adze 2> /dev/null && printf '#!/bin/sh\necho beside "$@"\n' > beside/adze-foo
chmod +x beside/adze-foo
if [ "$(head -c 2 "$ADZE")" = '#!' ]; then # libtool's script; the program itself lies behind it
  cp "$(dirname "$ADZE")/.libs/adze" beside/adze
  export LD_LIBRARY_PATH="$TOP_BUILDDIR/core/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
expect 0 beside/adze foo a
out_is "beside a"
unset LD_LIBRARY_PATH

# ---- Nothing yet.
expect 1 "$ADZE" phase list
err_has 'there are no phases in adze-phases'
[ ! -e adze-phases ] || fail "looking should make nothing"

# ---- Planning.
expect 0 "$ADZE" phase create one --note 'first one' --json
json_is planning status
expect 1 "$ADZE" phase create one
err_has "there is a phase 'one' already"
for name in '' .hidden ../out 'a b' A "$(printf '%065d' 0)"; do
  expect 2 "$ADZE" phase create "$name"
  err_has 'cannot be the name of a phase'
done
expect 2 "$ADZE" phase create two --note "$(printf 'a\033[31m')"
err_has 'no plain text'
expect 2 "$ADZE" phase create two --note "$(printf 'a\377')"
err_has 'no plain text'

make_model absent-name.gguf general.name llama.block_count llama.embedding_length llama.feed_forward_length
mkdir -p models/joyful models/sad
make_model models/joyful/model.gguf
mv absent-name.gguf models/sad/other.gguf
expect 2 "$ADZE" phase add one joyful models/joyful --emotion joi=1
err_has "did you mean 'joy'"
for wrong in joy joy=2 joy=nan joy= =1; do
  expect 2 "$ADZE" phase add one joyful models/joyful --emotion "$wrong"
done
expect 2 "$ADZE" phase add one joyful models/joyful --quality 1.5
err_has '--quality takes a number from 0 to 1'
expect 2 "$ADZE" phase add one joyful models/joyful --speed -3
expect 4 "$ADZE" phase add one joyful models/none
expect 1 "$ADZE" phase add one joyful .
err_has 'lie one in the other'
expect 1 "$ADZE" phase add noe joyful models/joyful
err_has "did you mean 'one'"
expect 0 "$ADZE" phase add one joyful models/joyful --description 'Celebrates "with" you' --keyword party \
  --keyword 'birthday cake' --emotion joy=0.9 --emotion trust=0.25 --speed 12.5 --quality 0.75 --json
json_is pending status
expect 1 "$ADZE" phase add one joyful models/joyful
err_has "has a domain 'joyful' already"
expect 0 "$ADZE" phase add one sad models/sad
expect 2 "$ADZE" phase add one twice models/sad --emotion joy=1 --emotion joy=0
err_has 'say two things of one emotion'

# ---- What was said is changed, and what was not said stays; a domain that is not wanted goes.
expect 0 "$ADZE" phase add one wrong models/sad --description Wrnog --keyword a --keyword b --emotion joy=1 --speed 9 --quality 0.5
expect 0 "$ADZE" phase metric one wrong loss=1
expect 0 "$ADZE" phase status one wrong --set complete
expect 0 "$ADZE" phase clean one wrong
expect 0 "$ADZE" phase edit one wrong --description Wrong --keyword c --speed 0 --json
json_is Wrong description
json_is c keywords 0
json_is 1 profile joy
json_is 0.0 speed
json_is 0.5 quality
json_is complete status
expect 0 "$ADZE" phase edit one wrong models/joyful --emotion fear=0.5
expect 0 "$ADZE" phase show one --json
json_is wrong domains 2 domain
json_is pending domains 2 status
json_is "$PWD/models/joyful" domains 2 folder
json_is 0.5 domains 2 profile fear
grep -q '"joy":1' out && fail "emotions that are given should replace those of before"
expect 1 "$ADZE" phase clean one wrong --delete
err_has 'nothing was listed'
expect 2 "$ADZE" phase edit one wrong
err_has 'nothing is said that should change'
expect 2 "$ADZE" phase edit one wrong --emotion joy=1 --emotion joy=0
expect 1 "$ADZE" phase edit one wrnog --quality 1
err_has "did you mean 'wrong'"
expect 0 "$ADZE" phase remove one wrong --json
json_is wrong removed
expect 1 "$ADZE" phase remove one wrong
expect 0 "$ADZE" phase show one
out_lacks wrong
[ -e models/sad/other.gguf ] || fail "the folder of a domain that is removed should stay"

# ---- How far it is.
expect 0 "$ADZE" phase status one
out_is planning
expect 1 "$ADZE" phase build one
err_has "the domain 'joyful' is pending"
expect 1 "$ADZE" phase status one joyful --set compelte
err_has 'it can become: training|complete|failed'
expect 0 "$ADZE" phase status one joyful --set training
expect 0 "$ADZE" phase status one
out_is training
expect 0 "$ADZE" phase metric one joyful loss=0.5 f1=0.25
expect 0 "$ADZE" phase metric one joyful loss=0.125 --json
json_is 0.125 metrics loss
json_is 0.25 metrics f1
expect 2 "$ADZE" phase metric one joyful accuracy=1 loss=much
expect 0 "$ADZE" phase status one joyful --set complete
expect 0 "$ADZE" phase status one sad --set complete --json
json_is complete status
json_is sad domain
expect 1 "$ADZE" phase status one --set deployed
err_has 'adze phase deploy makes a phase deployed'

# ---- Is it a model?
expect 0 "$ADZE" phase validate one --json
json_is true domains 0 valid
json_is 'tokenizer: there is no padding token, and the eos one becomes it' domains 0 findings 0 what
expect 0 "$ADZE" phase validate one sad
for words in 'general.name is missing' 'llama.block_count is missing, and is 2' 'llama.embedding_length is missing, and is 32' \
  'llama.feed_forward_length is missing, and is 64' 'no padding token'; do
  out_has "$words"
done
expect 1 "$ADZE" phase validate one --most-bytes 1000
out_has 'size: the model has'

# ---- Built.
expect 0 "$ADZE" phase status one --json
json_is null built
expect 0 "$ADZE" phase build one --json --quiet
json_is 1 build
json_is joyful domains 0 name
json_is "$PWD/adze-phases/built/one/1" folder
# Who looks can tell that it is built; and that one is at it again, or was ended in the middle.
expect 0 "$ADZE" phase status one --json
json_is compressing status
json_is 1 built
expect 0 "$ADZE" phase list --json
json_is 1 phases 0 built
python3 -c '
import sqlite3
db = sqlite3.connect("adze-phases/state.sqlite")
db.execute("update phase set status = ?, begun = (select max (number) from build)", ("compressing",)); db.commit()'
expect 0 "$ADZE" phase show one --json
json_is null built
# A state of before, which did not know that, is taken over.
python3 -c '
import sqlite3
db = sqlite3.connect("adze-phases/state.sqlite")
db.execute("alter table phase drop column begun"); db.execute("pragma user_version = 1"); db.commit()'
expect 0 "$ADZE" phase status one --json
json_is 1 built
built=adze-phases/built/one/1
whole $built || fail "the bundle should be whole"
expect 0 "$ADZE" show $built/joyful.gguf --json
for pair in 'joyful name' 'Celebrates "with" you;description' '12.5 speed' '0.75 quality' '1 version'; do
  case $pair in *\;*) value=${pair%;*} key=${pair##*;} ;; *) value=${pair% *} key=${pair##* } ;; esac
  json_is "$value" metadata "adze.route.$key"
done
json_is 'birthday cake' metadata adze.route.keywords 1
json_is anticipation metadata adze.route.emotions 7
json_is 0.25 metadata adze.route.profile 1
json_is 2 metadata tokenizer.ggml.padding_token_id
expect 0 "$ADZE" show $built/sad.gguf --json
json_is sad metadata general.name
json_is 2 metadata llama.block_count
json_is 32 metadata llama.embedding_length
json_is 64 metadata llama.feed_forward_length
[ "$(stat -c %s $built/joyful.gguf)" -lt "$(($(stat -c %s models/joyful/model.gguf) / 2))" ] \
  || fail "the model should be smaller"
# The same models give the same bytes, and what was built from is untouched.
expect 0 "$ADZE" phase build one --quiet
cmp $built/manifest.json adze-phases/built/one/2/manifest.json || fail "the manifests should be the same"
whole adze-phases/built/one/2 || fail "the second bundle should be whole"
[ "$(ls -A adze-phases/built/one | tr '\n' ' ')" = '1 2 ' ] || fail "there should be nothing else"
expect 0 "$ADZE" phase build one --as-is --quiet
expect 1 "$ADZE" diff models/joyful/model.gguf adze-phases/built/one/3/joyful.gguf
out_has '21 of 21 tensors are identical'
expect 2 "$ADZE" phase build one --as-is --sqnr 30

# A model that was bundled before keeps nothing of what was said of it then.
expect 0 "$ADZE" phase create over
mkdir models/again && cp $built/joyful.gguf models/again
expect 0 "$ADZE" phase add over fresh models/again
expect 0 "$ADZE" phase status over fresh --set complete
expect 0 "$ADZE" phase build over --as-is --quiet
expect 0 "$ADZE" show adze-phases/built/over/1/fresh.gguf --json
json_is fresh metadata adze.route.name
for key in description keywords emotions profile speed quality; do
  out_lacks "adze.route.$key"
done

# ---- What cannot be built from is refused by name, and the phase has failed.
cp models/sad/other.gguf keep
refused ()
{
  expect 1 "$ADZE" phase build one --quiet
  err_has "$1"
  expect 0 "$ADZE" phase status one
  out_is failed
  [ ! -e adze-phases/built/one/4 ] && [ ! -e adze-phases/built/one/.part ] || fail "nothing should be left"
}
echo x > models/sad/model.safetensors
refused 'model.safetensors is no GGUF'
rm models/sad/model.safetensors
cp keep models/sad/third.gguf
refused 'are two models'
rm models/sad/third.gguf models/sad/other.gguf
refused 'there is no model in'
ln -s ../joyful/model.gguf models/sad/link.gguf
refused 'links are not followed'
rm models/sad/link.gguf
head -c 20000 keep > models/sad/cut.gguf
refused 'files:'
rm models/sad/cut.gguf
for key in general.architecture llama.context_length tokenizer.ggml.model llama.attention.head_count; do
  make_model models/sad/other.gguf "$key"
  refused "$key"
done
mv keep models/sad/other.gguf
expect 0 "$ADZE" phase build one --quiet --json
json_is 4 build

# ---- Deployed, and shown.
expect 0 "$ADZE" phase deploy one target --build 1 --json
json_is 1 version
json_is 0 before
whole target/current || fail "what is deployed should be whole"
diff -r $built target/current || fail "what is deployed should be what was built"
expect 0 "$ADZE" phase deploy one target
err_has 'is what'
expect 0 "$ADZE" phase deploy one target --build 3
expect 0 "$ADZE" phase show one --json
json_is deployed status
json_is 0.125 domains 0 metrics loss
json_is done deployments 1 state
expect 0 "$ADZE" phase show one
out_has "birthday cake"
expect 0 "$ADZE" phase list --json
json_is one phases 0 phase
expect 0 "$ADZE" phase rollback one target --json
json_is 1 version
diff -r $built target/current || fail "the version before should be back"
expect 1 "$ADZE" phase rollback one target
err_has 'has no version before'
# What was changed since it was built, or deployed, is not passed on.
printf x >> adze-phases/built/one/3/joyful.gguf
expect 1 "$ADZE" phase deploy one target --build 3
err_has 'is not the file that was built'
diff -r $built target/current || fail "the target should be as before"
expect 0 "$ADZE" phase build one --quiet --sqnr 20
expect 0 "$ADZE" phase deploy one target
printf x >> target/versions/1/bundle/sad.gguf
expect 1 "$ADZE" phase rollback one target
err_has 'is damaged: sad.gguf'
# A current version that is damaged is replaced by the same one, whole.
printf x >> target/versions/3/bundle/sad.gguf
expect 0 "$ADZE" phase deploy one target
whole target/current || fail "the damaged version should be replaced"
mkdir full && echo mine > full/file
expect 1 "$ADZE" phase deploy one full
err_has 'has something in it that no deployment made, file'

# ---- A state that was lost: bundles that it knew stay, but for one that is the same.
mkdir lost && "$ADZE" phase create one --root lost && "$ADZE" phase add one sad models/sad --root lost
"$ADZE" phase status one sad --set complete --root lost
mkdir -p lost/built/one/1 && echo '{}' > lost/built/one/1/manifest.json
expect 0 "$ADZE" phase build one --root lost --as-is --json
json_is 2 build
err_has 'the state does not know it; it stays as it is'
[ "$(cat lost/built/one/1/manifest.json)" = '{}' ] || fail "a bundle that the state does not know should stay"
python3 -c '
import sqlite3
db = sqlite3.connect("lost/state.sqlite"); db.execute("delete from build"); db.commit()'
expect 0 "$ADZE" phase build one --root lost --as-is --json --quiet
json_is 2 build
[ "$(ls lost/built/one | tr '\n' ' ')" = '1 2 ' ] || fail "the same bundle should take the place of itself"

# ---- A state that is none.
mkdir odd && head -c 4096 /dev/urandom > odd/state.sqlite
expect 4 "$ADZE" phase list --root odd
err_has 'not a database'
python3 -c '
import sqlite3
db = sqlite3.connect("odd2.sqlite"); db.execute("create table t (a)"); db.commit()
db = sqlite3.connect("adze-phases/state.sqlite"); db.execute("pragma user_version = 99"); db.commit()'
mkdir odd2 && mv odd2.sqlite odd2/state.sqlite
expect 1 "$ADZE" phase list --root odd2
err_has 'a database of another program'
expect 1 "$ADZE" phase list --json
err_has 'has version 99'
json_valid
done_
