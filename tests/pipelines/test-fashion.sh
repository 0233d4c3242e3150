#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A perceptron learns a part of Fashion-MNIST, as Debian has it: packed files, pictures of 28 by 28 bytes
# for a network that takes [N, 784]. Where onednn is, it learns the same with that.
. "$(dirname "$0")/train-lib.sh"
# See there: leaks are looked for, but not in the memory of OpenMP's threads.
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
folder=/usr/share/datasets/fashion-mnist
[ -e $folder/train-images-idx3-ubyte.gz ] || {
  echo "needed is Debian's package dataset-fashion-mnist"
  exit 77
}
must python3 "$networks" fashion

cat > fashion.toml << END
adze = 1
name = "fashion"
[model]
path = "$PWD/fashion.onnx"
[data.train]
use = "idx"
images = "$folder/train-images-idx3-ubyte.gz"
labels = "$folder/train-labels-idx1-ubyte.gz"
part = [0.0, 0.15]
shuffle = true
[data.check]
use = "idx"
images = "$folder/train-images-idx3-ubyte.gz"
labels = "$folder/train-labels-idx1-ubyte.gz"
part = [0.98, 1.0]
[[stage]]
use = "train"
data = "train"
validation = "check"
epochs = 2
[[stage]]
use = "evaluate"
data = "check"
require = "accuracy > 0.75 and train.accuracy == accuracy and examples == 1200"
[[output]]
path = "fashion-out.onnx"
END
must "$ADZE" run fashion.toml
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "onednn was not built" ;;
  *) must "$ADZE" run fashion.toml --set run.backend=onednn ;;
esac
finish
