#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# adze phase deploy and rollback, killed at every system call in turn: what is current is the old version or the new
# one, whole; the same command then ends well; and a rollback brings back the very bytes.
. "$(dirname "$0")/lib.sh"
KILL=$TOP_BUILDDIR/tests/phase/kill-peer
# The program itself, not libtool's script, whose calls are of no interest.
program=$TOP_BUILDDIR/hosts/phase/.libs/adze-phase
[ -x "$program" ] || program=$TOP_BUILDDIR/hosts/phase/adze-phase
export LD_LIBRARY_PATH="$TOP_BUILDDIR/core/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# Leaks cannot be looked for under ptrace.
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS-}"

# A process that is killed loses nothing of what it wrote, synced or not: where there is a folder in memory, that is
# as good as a disk, and syncing a thousand times takes no minutes.
fast=$(mktemp -d -p /dev/shm 2> /dev/null) || fast=$(mktemp -d)
trap 'rm -rf "$work" "$fast"' EXIT
cd "$fast" || exit 99
phase_of one joyful sad
must () { "$@" > must.out 2>&1 || { cat must.out; fail "should have worked: $*"; done_; }; }
must "$program" build one --quiet
must "$program" build one --quiet --sqnr 20

# A world in which build 1 is deployed, and one in which build 2 is as well. They are always called "world" while
# something is done in them, since the state remembers where a target is.
mkdir world && mv adze-phases world/
must "$program" deploy one world/target --root world/adze-phases --build 1
cp -a world old
must "$program" deploy one world/target --root world/adze-phases
cp -a world new
rm -rf world

# In Python, since a thousand tries of a shell with its programs would take minutes.
cat > kills.py <<'END'
import json, os, shutil, subprocess, sys
kill, program = sys.argv[1:3]
root = ["--root", "world/adze-phases"]

def content(folder):
  return {name: open(os.path.join(folder, name), "rb").read() for name in sorted(os.listdir(folder))}

builds = {number: content(f"old/adze-phases/built/one/{number}") for number in (1, 2)}
assert builds[1] != builds[2] and len(builds[1]) == 3

# The number of the build that is current, and whole.
def current():
  found = content("world/target/current")
  for number, build in builds.items():
    if found == build:
      return number
  raise SystemExit("what is current is neither the old version nor the new one")

def show():
  done = subprocess.run([program, "show", "one", "--json"] + root, capture_output=True, check=True)
  return json.loads(done.stdout)

# Names of all files, and the state: has anything been changed?
def trace():
  names = sorted(os.path.join(folder, name) for folder, folders, files in os.walk("world") for name in files + folders)
  return names, open("world/adze-phases/state.sqlite", "rb").read()

# The same command again must end well, and leave nothing of the first try. A rollback that was written down as done
# is no longer one that was broken off.
def again(verb, number):
  if verb == "rollback" and show()["deployments"][-1]["state"] == "done" and current() == number:
    return
  done = subprocess.run([program, verb, "one", "world/target"] + root, capture_output=True)
  assert done.returncode == 0, done.stderr
  assert current() == number
  for folder, _, files in os.walk("world/target"):
    assert not {".part", ".gone", ".next"} & set(os.listdir(folder)), folder
  state = show()
  assert state["status"] == "deployed" and all(move["state"] != "begun" for move in state["deployments"]), state

def kills(world, verb, before, after):
  call = switched = 0
  while True:
    call += 1
    shutil.rmtree("world", ignore_errors=True)
    shutil.copytree(world, "world", symlinks=True)
    begin = trace()
    done = subprocess.run([kill, str(call), program, verb, "one", "world/target"] + root, capture_output=True)
    number = current()
    assert number in ((before, after) if switched == 0 else (after,)), f"call {call}: the old version came back"
    switched += number == after
    if done.returncode == 0:
      break
    assert done.returncode == 137, (call, done.returncode, done.stderr)
    if call % 16 == 0 or trace() != begin:
      again(verb, after)
  print(f"{verb}: killed at {call - 1} calls, {switched} of them behind the switch")
  assert call > 100 and switched > 10

kills("old", "deploy", 1, 2)
kills("new", "rollback", 2, 1)
END
expect 0 python3 kills.py "$KILL" "$program"
cat out

# Undisturbed, and byte for byte.
rm -rf world && cp -a new world
must "$program" rollback one world/target --root world/adze-phases
diff -r world/target/current old/adze-phases/built/one/1 || fail "the rollback should bring the very bytes back"
done_
