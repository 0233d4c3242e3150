#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Models of several files as the cache of Hugging Face has them: snapshots/REVISION holds links to
# blobs/HASH beside snapshots. They are read; any other link out of a model's folder is refused.
. "$(dirname "$0")/lib.sh"
files_ "$work"

mkdir -p plain/onnx
expect 0 "$ADZE" convert small.safetensors plain/model.safetensors.index.json --set shard-size=600
expect 0 "$ADZE" convert small.safetensors plain/model-00001-of-00003.gguf --set shard-size=300 \
  --set architecture=llama
# add.onnx, with w in a file beside it.
{
  printf '\010\010\072\135\012\016\012\001x\012\001w\022\001y\042\003Add\022\001g\052\046\010\004\020\001B\001w'
  printf '\152\033\012\010location\022\017model.onnx.data\160\001'
  printf 'Z\017\012\001x\022\012\012\010\010\001\022\004\012\002\010\004b\017\012\001y\022\012\012\010\010\001\022\004\012\002\010\004B\002\020\021'
} > plain/onnx/model.onnx
printf '\0\0\200\077\0\0\0\300\0\0\100\100\0\0\200\300' > plain/onnx/model.onnx.data

cache=$work/hub/models--a--b
mkdir -p "$cache/blobs" "$cache/snapshots/0a1b/onnx"
blob=0
for file in plain/*.* plain/onnx/*.*; do
  blob=$((blob + 1))
  name=${file#plain/}
  cp "$file" "$cache/blobs/$blob"
  case $name in
    onnx/*) ln -s "../../../blobs/$blob" "$cache/snapshots/0a1b/$name" ;;
    *) ln -s "../../blobs/$blob" "$cache/snapshots/0a1b/$name" ;;
  esac
done
for name in model.safetensors.index.json model-00001-of-00003.gguf onnx/model.onnx; do
  expect 0 "$ADZE" diff "plain/$name" "$cache/snapshots/0a1b/$name"
done

# Pipelines read them as well, for a run knows its input by the link and not by what it leads to.
for name in model.safetensors.index.json model-00001-of-00003.gguf onnx/model.onnx; do
  printf 'adze = 1\n[model]\npath = "%s"\n[[stage]]\nuse = "profile"\n' "$cache/snapshots/0a1b/$name" > run.toml
  expect 0 "$ADZE" plan run.toml
  expect 0 "$ADZE" run run.toml
done

# refused NAME LINK TARGET: with LINK leading to TARGET, NAME is not read, and it is said what to do.
refused ()
{
  rm -f "$2"
  ln -s "$3" "$2"
  expect 1 "$ADZE" show "$1"
  err_has "leads out of its folder by a link"
  err_has "put the file itself (no link) into its folder"
  err_has "blobs/HASH beside snapshots"
}

# Not below blobs, nor to blobs that are a link themselves, nor to those of another model.
cp plain/onnx/model.onnx.data elsewhere
refused "$cache/snapshots/0a1b/onnx/model.onnx" "$cache/snapshots/0a1b/onnx/model.onnx.data" \
  "$work/elsewhere"
mkdir -p "$cache/blobs/deep" hub/models--c--d/blobs hub/models--c--d/snapshots/2/onnx
cp elsewhere "$cache/blobs/deep/1"
cp elsewhere hub/models--c--d/blobs/1
for blob in ../../../blobs/deep/1 "$work/hub/models--c--d/blobs/1" "$cache/snapshots/0a1b/../../../../elsewhere"; do
  refused "$cache/snapshots/0a1b/onnx/model.onnx" "$cache/snapshots/0a1b/onnx/model.onnx.data" "$blob"
done
rm -r hub/models--c--d/blobs
ln -s ../models--a--b/blobs hub/models--c--d/blobs
cp plain/onnx/model.onnx hub/models--c--d/snapshots/2/onnx/
cp elsewhere "$cache/blobs/1"
refused hub/models--c--d/snapshots/2/onnx/model.onnx hub/models--c--d/snapshots/2/onnx/model.onnx.data \
  ../../../blobs/1

# Nor where there is no snapshots, or no revision in it.
mkdir -p flat/snapshots flat/blobs bare/rev/x bare/blobs
cp elsewhere flat/blobs/1
cp elsewhere bare/blobs/1
cp plain/onnx/model.onnx flat/snapshots/
cp plain/onnx/model.onnx bare/rev/x/
refused flat/snapshots/model.onnx flat/snapshots/model.onnx.data ../blobs/1
refused bare/rev/x/model.onnx bare/rev/x/model.onnx.data ../../blobs/1

# And a name in a file is checked as before.
sed 's|"model-00001-of|"../model-00001-of|' plain/model.safetensors.index.json \
  > "$cache/blobs/names.json"
ln -sf ../../blobs/names.json "$cache/snapshots/0a1b/model.safetensors.index.json"
expect 1 "$ADZE" show "$cache/snapshots/0a1b/model.safetensors.index.json"
err_has "is named by a path with '..' in it"
done_
