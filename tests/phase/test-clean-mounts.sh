#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# adze phase clean and what is mounted below a model's folder, of the same file system too: that is elsewhere, and
# stays as it is, whether it was mounted before the list was made or since.
if [ -z "${IN_MOUNTS-}" ] && unshare -rm mount -t tmpfs none /tmp 2> /dev/null; then
  IN_MOUNTS=1 exec unshare -rm bash "$0"
fi
. "$(dirname "$0")/lib.sh"
[ -n "${IN_MOUNTS-}" ] || {
  echo "not applicable: nothing can be mounted here (unshare -rm)"
  done_
}
phase_of one joyful
m=models/joyful
mkdir -p $m/logs $m/late outside/logs
mkdir $m/tmp
echo 1 > $m/train.log
echo 1 > $m/bound.log
echo 1 > $m/late/run.log
echo 1 > outside/precious.txt
echo 1 > outside/run.log
echo 1 > outside/bound
cp -a $m/late outside/late
mount --bind outside $m/logs || fail "a bind mount should be possible here"
mount --bind outside/bound $m/bound.log
mount -t tmpfs none $m/tmp && echo 1 > $m/tmp/precious

expect 0 "$ADZE" phase clean one
out_has 'would delete train.log'
out_has 'would delete late/run.log'
for name in logs tmp bound.log; do out_has "left $name: is mounted from elsewhere"; done
out_lacks precious

# What was listed lies behind a mount now; the file there is the same but for where it is.
mount --bind outside/late $m/late
expect 1 "$ADZE" phase clean one --delete
out_has 'deleted train.log'
out_has 'left late/run.log: lies in a folder that something is mounted on now'
[ ! -e $m/train.log ] || fail "what was listed should be gone"
for name in precious.txt run.log bound late/run.log; do
  [ -e outside/$name ] || fail "outside/$name should be there"
done
[ -e $m/tmp/precious ] || fail "what lies in another file system should be there"
umount $m/late $m/logs $m/tmp $m/bound.log

# Nor does the removal of what a killed build left, or of an old version, leave its folder.
expect 0 "$ADZE" phase build one --as-is --quiet
mkdir -p adze-phases/built/one/.part/in
mount --bind outside adze-phases/built/one/.part/in
expect 4 "$ADZE" phase build one --as-is --quiet
err_has 'cannot begin in'
umount adze-phases/built/one/.part/in
for _ in 1 2; do
  expect 0 "$ADZE" phase build one --as-is --quiet
  expect 0 "$ADZE" phase deploy one target
  echo again >> $m/model.gguf
done
mkdir target/versions/1/in
mount --bind outside target/versions/1/in
expect 0 "$ADZE" phase build one --as-is --quiet
expect 0 "$ADZE" phase deploy one target
[ -e outside/precious.txt ] && [ -e outside/late/run.log ] || fail "what is outside should be there"
umount target/versions/*/in target/versions/.gone/in 2> /dev/null
done_
