#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sentences of docs/architecture.md about who may include whom, held against the includes.
set -u
cd "$TOP_SRCDIR"
status=0

# forbid PATTERN PLACE... -- WHY: no include that matches may stand in these places.
forbid ()
{
  local pattern=$1 places=()
  shift
  while [ "$1" != -- ]; do
    places+=("$1")
    shift
  done
  local found
  found=$(grep -rnE --include='*.[ch]' --include='*.cc' "^ *# *include *[<\"]($pattern)" \
    "${places[@]}" 2> /dev/null)
  [ -z "$found" ] && return
  echo "$2:"
  echo "$found"
  status=1
}

rooms='base/|plugin/|artifact/|graph/|stage/|pipeline/|run/|kit/'
forbid "$rooms|adze/host\.h|\.\./" plugins sdk -- \
  "plugins and the SDK see the SDK alone"
forbid "$rooms" hosts -- "hosts see adze/host.h and the SDK alone"
forbid 'plugin/|artifact/|graph/|stage/|pipeline/|run/|kit/' core/base -- "base is the ground floor"
forbid 'artifact/|graph/|stage/|pipeline/|run/|kit/' core/plugin -- "plugin stands on base"
forbid 'graph/|stage/|pipeline/|run/|kit/' core/artifact -- "artifact stands on plugin"
forbid 'stage/|pipeline/|run/|kit/' core/graph -- "graph stands on artifact"
forbid 'pipeline/|run/|kit/' core/stage -- "stage stands on graph"
forbid 'run/|kit/' core/pipeline -- "pipeline stands on stage"
forbid 'kit/' core/run -- "run stands on pipeline"
forbid 'ltdl\.h|ffi\.h|libltdl/' core/base core/artifact core/graph core/stage core/pipeline core/run core/kit hosts plugins sdk -- \
  "only core/plugin knows libltdl and libffi"

# No circles between headers: a header may not reach itself.
while read -r header; do
  name=${header#core/}
  seen=" "
  queue=("$name")
  while [ ${#queue[@]} -gt 0 ]; do
    next=${queue[0]}
    queue=("${queue[@]:1}")
    for include in $(sed -nE 's/^ *# *include *"([^"]+)".*/\1/p' "core/$next" 2> /dev/null); do
      if [ "$include" = "$name" ]; then
        echo "$name includes itself by way of $next"
        status=1
        break 2
      fi
      case $seen in
        *" $include "*) ;;
        *)
          seen="$seen$include "
          queue+=("$include")
          ;;
      esac
    done
  done
done < <(find core -name '*.h' ! -path 'core/include/*')

# Every folder that the page draws is there, and none that it does not draw.
for folder in core/*/; do
  folder=$(basename "$folder")
  [ "$folder" = include ] || grep -q "^  $folder/" docs/architecture.md || {
    echo "docs/architecture.md does not draw core/$folder"
    status=1
  }
done
exit $status
