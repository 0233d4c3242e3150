#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every codec gives the bytes on an aarch64 that it gives here: compiled for one, and run by qemu's user mode.
set -u
cd "$TMPDIR" || exit 1
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
  command -v $tool > /dev/null || { echo "there is no $tool: not applicable"; exit 0; }
done
failed=0

# build FOLDER COMPILER NAME [FLAG...]: all of one plugin with what calls it.
build ()
{
  local folder=$1 compiler=$2 name=$3
  shift 3
  $compiler -std=gnu11 -O2 -ffp-contract=off -I"$TOP_SRCDIR/sdk/include" "$@" -o "$name" \
    "$TOP_SRCDIR/tests/abi/codecs.c" "$folder"/*.c -lm || {
    echo "FAILED: ${folder##*/} is not built by $compiler"
    exit 1
  }
}

for folder in "$TOP_SRCDIR"/plugins/codecs/*/; do
  name=$(basename "$folder")
  build "$folder" "$CC" here
  build "$folder" aarch64-linux-gnu-gcc there -static
  ./here > here.txt || { echo "FAILED: $name ended with $?"; exit 1; }
  qemu-aarch64 ./there > there.txt || { echo "FAILED: $name ended with $? on aarch64"; exit 1; }
  # Few of the tensors have values few enough for a codebook.
  [ "$(grep -c ': 0 ' here.txt)" -ge 4 ] || { echo "FAILED: $name has coded nothing"; failed=1; }
  cmp here.txt there.txt || {
    echo "FAILED: $name gives other bytes on aarch64:"
    diff here.txt there.txt | head -n 20
    failed=1
  }
  echo "$name: $(wc -l < here.txt) tensors, $(cut -d ' ' -f 1 here.txt | sort -u | wc -l) codecs"
done
exit $failed
