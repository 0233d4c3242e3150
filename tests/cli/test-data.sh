#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze data: what sources make of files, of data that is known everywhere among them.
. "$(dirname "$0")/lib.sh"

printf 'name,x\nfirst,1.5\n"second, too",2\n' > small.csv
expect 0 "$ADZE" data csv --set path=small.csv
out_is 'csv: 2 examples, 2 columns
  "name": text
  "x": f64

0: "name" = "first", "x" = 1.5
1: "name" = "second, too", "x" = 2.0'
expect 0 "$ADZE" data csv --set path=small.csv --rows 0
out_is 'csv: 2 examples, 2 columns
  "name": text
  "x": f64'
expect 0 "$ADZE" --json data csv --set path=small.csv --rows 1
out_has '"examples": 2'
out_has '"name": "first"'
expect 2 "$ADZE" data csv --set path=small.csv --set label=name
err_has "the label 'name' is text"
printf 'a,b\n1\n' > ragged.csv
expect 1 "$ADZE" data csv --set path=ragged.csv
err_has 'ragged.csv:2: 1 cell, and the first line has 2'
expect 2 "$ADZE" data csv
err_has path
expect 2 "$ADZE" data csv small.csv
err_has "'small.csv' is one word too many"
err_has 'as in --set path=FILE'
expect 2 "$ADZE" data trace
err_has 'no source'

# ---- Known data.

data=${ADZE_TEST_DATA:-}
tables=$data/tabular-sklearn
if [ -n "$data" ] && [ -d "$tables" ]; then
  expect 0 "$ADZE" data csv --set "path=$tables/iris.csv" --set header=false --set skip-lines=1 \
    --set features=x --set label=5 --rows 1
  out_is 'csv: 150 examples, 2 columns
  "x": f64 [4]
  "5": i64

0: "x" = [5.1, 3.5, 1.4, 0.2], "5" = 0'
  expect 0 "$ADZE" data csv --set "path=$tables/breast_cancer.csv" --set header=false \
    --set skip-lines=1 --set features=x --set label=31 --rows 0
  out_has 'csv: 569 examples, 2 columns'
  out_has '"x": f64 [30]'
  expect 0 "$ADZE" data csv --set "path=$tables/wine_data.csv" --set header=false \
    --set skip-lines=1 --set features=x --set label=14 --rows 0
  out_has 'csv: 178 examples, 2 columns'
  gunzip < "$tables/digits.csv.gz" > digits.csv
  expect 0 "$ADZE" data csv --set path=digits.csv --set header=false --set features=x \
    --set label=65 --rows 0
  out_has 'csv: 1797 examples, 2 columns'
  out_has '"x": f64 [64]'
  gunzip < "$tables/diabetes_data_raw.csv.gz" > diabetes.csv
  expect 0 "$ADZE" data csv --set path=diabetes.csv --set header=false --set 'separator=" "' \
    --rows 0
  out_has 'csv: 442 examples, 10 columns'
  expect 1 "$ADZE" data csv --set "path=$tables/digits.csv.gz"
  err_has 'packed by gzip'
  expect 0 "$ADZE" data csv --set "path=$data/emotion-xed/train.tsv" --set separator=tab \
    --set header=false --set quoting=false --rows 1
  out_has 'csv: 15775 examples, 2 columns'
  expect 0 "$ADZE" data text --set "path=$data/emotion-xed/train.tsv" --rows 0
  out_has 'text: 15775 examples, 1 column'
else
  echo 'tables of sklearn, emotion-xed: skipped: ADZE_TEST_DATA is not set'
fi

fashion=/usr/share/datasets/fashion-mnist
if [ -f "$fashion/t10k-images-idx3-ubyte.gz" ]; then
  expect 0 "$ADZE" data idx --set "images=$fashion/t10k-images-idx3-ubyte.gz" \
    --set "labels=$fashion/t10k-labels-idx1-ubyte.gz" --rows 2
  out_has 'idx: 10000 examples, 2 columns'
  out_has '"image": u8 [28, 28]'
  out_has '"label" = 9'
  expect 1 "$ADZE" data idx --set "images=$fashion/train-images-idx3-ubyte.gz" \
    --set "labels=$fashion/t10k-labels-idx1-ubyte.gz"
  err_has '60000 examples'
else
  echo 'Fashion-MNIST: skipped: the Debian package dataset-fashion-mnist is not installed'
fi

if /usr/bin/python3 -c 'import numpy' 2> /dev/null; then
  /usr/bin/python3 - << 'END'
import numpy
numpy.save("rows.npy", numpy.arange(24, dtype="<f4").reshape(2, 3, 4))
numpy.save("columns.npy", numpy.asfortranarray(numpy.arange(24, dtype=">i4").reshape(2, 3, 4)))
numpy.savez("stored.npz", x=numpy.arange(6.0).reshape(3, 2), y=numpy.array([True, False, True]))
numpy.savez_compressed("packed.npz", x=numpy.arange(600.0).reshape(3, 200))
numpy.save("objects.npy", numpy.array([{}, []], dtype=object), allow_pickle=True)
END
  expect 0 "$ADZE" data npy --set path=rows.npy --rows 2
  out_has '1: "data" = [[12.0, 13.0, 14.0, 15.0], [16.0, 17.0, ...], ...]'
  expect 0 "$ADZE" data npy --set path=columns.npy --rows 2
  out_has '1: "data" = [[12, 13, 14, 15], [16, 17, ...], ...]'
  expect 0 "$ADZE" data npy --set path=stored.npz
  out_has '1: "x" = [2.0, 3.0], "y" = false'
  expect 0 "$ADZE" data npy --set path=packed.npz
  out_has '1: "x" = [200.0, 201.0,'
  expect 1 "$ADZE" data npy --set path=objects.npy
  err_has "the type '|O'"
else
  echo 'files of numpy: skipped: /usr/bin/python3 has no numpy'
fi
done_
