# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests share that run models of others: each on every backend, against what another program
# gives for the same inputs.
. "$TOP_SRCDIR/tests/clients/lib.sh"
# See there: leaks are looked for, but not in the memory of OpenMP's threads.
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
[ "${ADZE_SHARED-}" != no ] || { echo "a static build takes no plugin files: not applicable"; exit 0; }

backends=ref
case " ${ADZE_MISSING_PLUGINS-} " in
  *" onednn "*) echo "this build has no backend onednn" ;;
  *) backends="ref onednn" ;;
esac

# like_others FOLDER: the cases in FOLDER, |a - b| <= 1e-5 + 1e-4 |b|.
like_others ()
{
  : > excluded.txt
  local backend
  for backend in $backends; do
    expect 0 "$TOP_BUILDDIR/tests/conformance/onnx-peer" --close 1e-5 1e-4 "$backend" excluded.txt "$1"
    echo "$backend:"
    cat out
  done
}
