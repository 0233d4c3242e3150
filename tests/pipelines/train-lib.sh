# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of train and evaluate share: networks and data that Python made (networks.py), and
# pipelines with them.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
networks="$TOP_SRCDIR/tests/pipelines/networks.py"
must python3 "$networks" make

# head_ MODEL: the top of a pipeline, with the data sets train, check and test.
head_ ()
{
  printf 'adze = 1\nname = "learn"\n[model]\npath = "%s/%s"\n' "$PWD" "$1"
  local set
  for set in train check test; do
    printf '[data.%s]\nuse = "idx"\nimages = "%s/dots-%s-images.idx"\nlabels = "%s/dots-%s-labels.idx"\n' \
      $set "$PWD" $set "$PWD" $set
    [ $set != train ] || echo 'shuffle = true'
  done
}

# learn NAME MODEL [LINE...]: writes NAME.toml, which trains MODEL as the lines say, into
# NAME-out.onnx and NAME-out.json.
learn ()
{
  local name=$1 model=$2
  shift 2
  {
    head_ "$model"
    printf '[[stage]]\nuse = "train"\ndata = "train"\nbatch = 16\nepochs = 12\nrate = 0.02\n'
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s-out.onnx"\n[[output]]\npath = "%s-out.json"\nfrom = "train.report"\n' \
      "$name" "$name"
  } > "$name.toml"
}

# holds FILE EXPRESSION: of Python, in which r is the JSON of FILE.
holds ()
{
  python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); sys.exit(not eval("(" + sys.argv[2] + ")"))' \
    "$1" "$2" || complain "$1: it should hold that $2; there is: $(cat "$1")"
}

weight ()
{
  python3 "$networks" weight "$@"
}

# told NAME: the metric of the last run, ID.NAME.
told ()
{
  "$ADZE" runs show | sed -n "s/^  $1  *//p"
}
