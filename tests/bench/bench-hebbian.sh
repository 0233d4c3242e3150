#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-hebbian.sh: 256 features of Fashion-MNIST, learnt without labels or random, under the same linear read-out.
#
# Both have 256 units with the same non-linearity, the same share of pictures that excite each (found in the same way),
# the same normalisation behind them, and a read-out that is trained alike; nothing in front of it is. Random ones are
# made twice, with biases of 0 and with that share, and the better of them counts. SEEDS (3) times each; EPOCHS (10) of
# the read-out, BACKEND (onednn) and THREADS (2) can be given. Needed is a difference of 0.020.
set -u
seeds=${SEEDS:-3} epochs=${EPOCHS:-10} backend=${BACKEND:-onednn} threads=${THREADS:-2}
folder=/usr/share/datasets/fashion-mnist
[ -e $folder/train-images-idx3-ubyte.gz ] || { echo "needed is Debian's package dataset-fashion-mnist"; exit 77; }
case " ${ADZE_MISSING_PLUGINS-} " in *" onednn "*) backend=ref ;; esac
cd "$TMPDIR" || exit 1

# head_ SEED LAYERS
head_ ()
{
  local set part
  printf 'adze = 1\nname = "features"\nseed = %s\n[run]\nbackend = "%s"\nthreads = %s\n' "$1" "$backend" "$threads"
  for set in train test; do
    part=train
    [ $set = train ] || part=t10k
    printf '[data.%s]\nuse = "idx"\nimages = "%s"\nlabels = "%s"\n' $set \
      $folder/$part-images-idx3-ubyte.gz $folder/$part-labels-idx1-ubyte.gz
    [ $set = test ] || echo 'shuffle = true'
  done
  printf '[[stage]]\nuse = "build-model"\ninput = "784"\nlayers = [%s]\n' "$2"
}

# stage ID WEIGHT LINE...
stage ()
{
  printf '[[stage]]\nuse = "hebbian"\nid = "%s"\ndata = "train"\nweights = ["%s"]\nbatch = 64\n' "$1" "$2"
  shift 2
  printf '%s\n' "$@"
}

# share WEIGHT: each unit is excited by the same share of pictures.
share ()
{
  stage share "$1" 'plasticity = "none"' 'homeostasis = "excitability"' 'target-rate = 0.2'
}

# read_out FROZEN
read_out ()
{
  printf '[[stage]]\nuse = "train"\ndata = "train"\nfrozen = [%s]\nepochs = %s\nschedule = "cosine"\nrate = 0.003\n' \
    "$1" "$epochs"
  printf '[[stage]]\nuse = "evaluate"\ndata = "test"\nlatency-runs = 0\n'
  printf '[[output]]\npath = "out.json"\nfrom = "evaluate.report"\n'
}

learnt ()
{
  head_ "$1" '"dense 120", "dense 256 relu", "norm batch", "dense 10"'
  stage components layer.0.weight 'plasticity = "sanger"' 'centre = "fold"' 'epochs = 10' 'rate = 0.06'
  stage evenly layer.0.weight 'plasticity = "none"' 'homeostasis = "scaling"' 'target-rate = 0.4'
  stage compete layer.1.weight 'plasticity = "soft-wta"' 'temperature = 0.03' 'unit-length = true' \
    'homeostasis = "excitability"' 'target-rate = 0.00390625' 'epochs = 4' 'rate = 4'
  share layer.1.weight
  read_out '"layer.0.*", "layer.1.*"'
}

random ()
{
  head_ "$1" '"dense 256 relu", "norm batch", "dense 10"'
  read_out '"layer.0.*"'
}

random_share ()
{
  head_ "$1" '"dense 256 relu", "norm batch", "dense 10"'
  share layer.0.weight
  read_out '"layer.0.*"'
}

# accuracy KIND SEED
accuracy ()
{
  "$1" "$2" > p.toml
  "$ADZE_BINARY" run p.toml --fresh > log 2>&1 || { cat log >&2; exit 1; }
  rm -rf adze-runs
  python3 -c 'import json; print(json.load(open("out.json"))["accuracy"])'
}

: > all.txt
for seed in $(seq "$seeds"); do
  a=$(accuracy learnt "$seed") && b=$(accuracy random "$seed") && c=$(accuracy random_share "$seed") || exit 1
  echo "seed $seed: learnt $a, random $b, random with the same share $c"
  echo "$a $b $c" >> all.txt
done
awk '{ a += $1; b += $2; c += $3 }
     END { best = b > c ? b : c
           printf "256 features, linear read-out: learnt %.4f, random %.4f (biases of 0: %.4f, the same share: %.4f), difference %.4f, needed 0.020\n",
                  a / NR, best / NR, b / NR, c / NR, (a - best) / NR
           exit (a - best) / NR < 0.020 }' all.txt
