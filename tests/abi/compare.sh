#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare.sh OLD NEW MACHINE: may NEW follow OLD? Each is a folder with contract.txt and, where the
# machine has one, layout-MACHINE.txt. Says in lines what is broken and what was appended.
# Exit status: 0, nothing or only appended to, with a later minor; 1, broken; 3, appended to, and
# the minor is still the old one.
set -eu
old=$1
new=$2
layout=layout-$3.txt

files_of ()
{
  echo "$1/contract.txt"
  [ ! -f "$old/$layout" ] || [ ! -f "$new/$layout" ] || echo "$1/$layout"
}

# shellcheck disable=SC2046
awk -v olds="$(files_of "$old" | wc -l)" '
  FNR == 1 { file++ }

  # Which header says it does not matter, except that those of drafts promise less.
  {
    header = $1
    line = $0
    sub (/^[^ ]+ /, "", line)
    if (header ~ /^draft\// && line ~ /_REVISION = /)
      revision[file <= olds ? "old" : "new", header] = line
    if (line ~ /^ADZE_ABI_(MAJOR|MINOR) = /) {
      number[file <= olds ? "old" : "new", $2] = $4
      next
    }
    if (line ~ /^ADZE_API_VERSION = /)
      next
  }

  file <= olds {
    count++
    order[count] = line
    header_of[line] = header
    next
  }

  {
    there[line] = 1
    if (line ~ / size / && line !~ / at /)
      size[$2] = $4
    # Those that say their own size, and the rows of tables whose stride is given, may grow.
    if (line ~ /\.struct_size: / || line ~ /^struct adze_(param|port)$/) {
      name = line
      sub (/^struct /, "", name)
      sub (/\.struct_size.*/, "", name)
      grows[name] = 1
    }
    fresh[++fresh_count] = line
    fresh_header[fresh_count] = header
  }

  # A draft that says by its revision that it is another one may be anything.
  function revised (header) {
    return header ~ /^draft\// && revision["old", header] != revision["new", header]
  }

  function broken (line, header, why) {
    if (revised(header))
      return
    print "broken: " header ": " line why
    bad = 1
  }

  END {
    if (number["old", "ADZE_ABI_MAJOR"] != number["new", "ADZE_ABI_MAJOR"]) {
      print "another major: nothing is promised across it"
      exit 0
    }
    for (i = 1; i <= count; i++) {
      line = order[i]
      if (line in there)
        continue
      split (line, word, " ")
      header = header_of[line]
      hint = header ~ /^draft\// ? ", and the revision of this draft is still the old one" : ""
      if (line ~ /_REVISION = /)
        continue
      if (word[2] == "size" && word[1] in size) {
        if (!(word[1] in grows))
          broken(line, header, "; now it is " size[word[1]] ", and this struct must never change")
        else if (size[word[1]] + 0 < word[3] + 0)
          broken(line, header, "; now it is " size[word[1]])
      } else
        broken(line, header, hint ? hint : " is gone or different")
    }
    for (i = 1; i <= fresh_count; i++) {
      line = fresh[i]
      if (revised(fresh_header[i]) || line in header_of)
        continue
      if (line ~ /^adze_[a-z0-9_]+ size / || line ~ /_REVISION = /)
        continue
      print "appended: " line
      appended = 1
    }
    if (bad)
      exit 1
    later = number["new", "ADZE_ABI_MINOR"] + 0 > number["old", "ADZE_ABI_MINOR"] + 0
    exit appended && !later ? 3 : 0
  }
' $(files_of "$old") $(files_of "$new")
