#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layout.sh FORM [HEADERS]: what the SDK's headers promise, as lines that can be compared.
#   layout    the size of each struct, and the place of each member, as $CC (cc) lays them out
#   contract  how each member, type and number is declared; the same on every machine
#   machine   whose layout it is: x86_64, or that and a word where longs are short
# The headers are read, not listed, so that nothing can be forgotten. Each line begins with the
# header that says it. HEADERS is sdk/include/adze unless given; C_FLAGS, when set, are for $CC:
# "-x c++" asks how C++ sees it.
set -eu
form=${1-}
here=$(cd "$(dirname "$0")" && pwd)
headers=$(cd "${2:-$here/../../sdk/include/adze}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/adze-layout.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

compile_and_run ()
{
  # shellcheck disable=SC2086
  ${CC:-cc} ${C_FLAGS-} -w -I"$(dirname "$headers")" -o "$work/program" "$work/program.c"
  "$work/program"
}

# What the compiler makes of the headers, so that comments are gone and conditions decided: lines of
# "HEADER TEXT", macros among them.
read_headers ()
{
  (cd "$headers" && find . -name '*.h' | sed 's|^\./||' | LC_ALL=C sort) > "$work/names"
  includes > "$work/all.c"
  ${CC:-cc} -std=gnu11 -E -dD -I"$(dirname "$headers")" "$work/all.c" > "$work/preprocessed"
  awk -v folder="$headers/" '
    /^# [0-9]+ "/ {
      name = $3
      gsub (/"/, "", name)
      header = index (name, folder) == 1 ? substr (name, length (folder) + 1) : ""
      next
    }
    header != "" && NF { gsub (/_Bool/, "bool"); print header, $0 }
  ' "$work/preprocessed"
}

# Declarations, one a line:
#   HEADER struct NAME                HEADER member STRUCT PATH DECLARATION
#   HEADER typedef DECLARATION        HEADER number NAME
# What it does not understand, it complains of.
declarations ()
{
  read_headers | awk -v names="$work/names" '
    function complain (what) {
      print "layout.sh: " header ": " what | "cat >&2"
      failed = 1
    }

    function tidy (text) {
      gsub (/[ \t\n]+/, " ", text)
      sub (/^ /, "", text)
      sub (/ $/, "", text)
      return text
    }

    # The place of the brace that closes the one at the beginning of TEXT.
    function closing (text,    i, depth, c) {
      for (i = 1; i <= length (text); i++) {
        c = substr (text, i, 1)
        if (c == "{")
          depth++
        else if (c == "}" && --depth == 0)
          return i
      }
      complain ("a brace is not closed")
      return length (text)
    }

    function name_of (text) {
      if (match (text, /\(\*[a-z0-9_]+\)/))
        return substr (text, RSTART + 2, RLENGTH - 3)
      if (text ~ /,/)
        complain ("declare each member by itself: " text)
      sub (/ *\[.*$/, "", text)
      if (!match (text, /[A-Za-z0-9_]+$/))
        complain ("this member has no name: " text)
      return substr (text, RSTART, RLENGTH)
    }

    function read_members (owner, prefix, body,    at, brace, end, inner, text, name) {
      body = tidy (body)
      while (body != "") {
        at = index (body, ";")
        brace = index (body, "{")
        inner = ""
        if (brace > 0 && brace < at) {
          end = closing (substr (body, brace))
          inner = substr (body, brace + 1, end - 2)
          body = substr (body, 1, brace - 1) substr (body, brace + end)
          at = index (body, ";")
        }
        text = tidy (substr (body, 1, at - 1))
        name = name_of (text)
        print header, "member", owner, prefix name, text
        if (inner != "")
          read_members (owner, prefix name ".", inner)
        body = tidy (substr (body, at + 1))
      }
    }

    function read_numbers (body,    count, part, i) {
      count = split (body, part, ",")
      for (i = 1; i <= count; i++) {
        sub (/=.*/, "", part[i])
        if (tidy (part[i]) != "")
          print header, "number", tidy (part[i])
      }
    }

    # One declaration with a body; returns what follows the brace.
    function read_body (head, text,    end, word) {
      end = closing (text)
      split (head, word, " ")
      if (head ~ /^(typedef )?(struct|union)( |$)/) {
        sub (/^typedef /, "", head)
        split (head, word, " ")
        if (word[2] == "")
          complain ("a struct without a name cannot be promised anything; give it one")
        print header, "struct", word[2]
        read_members (word[2], "", substr (text, 2, end - 2))
      } else if (head ~ /^(typedef )?enum( |$)/)
        read_numbers (substr (text, 2, end - 2))
      else if (head !~ /\)$/ && head !~ /^extern/)
        complain ("this is not understood: " head)
      return substr (text, end + 1)
    }

    function read_header (text,    at, brace, head) {
      text = tidy (text)
      while (text != "") {
        at = index (text, ";")
        brace = index (text, "{")
        if (brace > 0 && (at == 0 || brace < at)) {
          head = tidy (substr (text, 1, brace - 1))
          text = read_body (head, substr (text, brace))
          # "} name;" of a type; a function ends at its brace.
          if (head !~ /\)$/)
            sub (/^[^;]*;/, "", text)
        } else {
          head = tidy (at ? substr (text, 1, at - 1) : text)
          text = at ? substr (text, at + 1) : ""
          if (head ~ /^typedef /)
            print header, head
        }
        text = tidy (text)
      }
    }

    function read_macro (line,    word) {
      sub (/^#define /, "", line)
      # With arguments, without a value, or a part of a sentence: not a number or an id.
      if (line ~ /^[A-Z0-9_]+\(/ || line !~ /^[A-Z0-9_]+[ \t]+[^ \t]/)
        return
      split (line, word, /[ \t]/)
      if (word[1] !~ /^ADZE_(BEGIN_DECLS|END_DECLS|PLUGIN_HEAD|FEED_PARAMS|LESSON(_FIRST|_OTHER)?_PARAMS|PLUGIN_EXTERN_)$/)
        print header, "number", word[1]
    }

    {
      name = $1
      sub (/^[^ ]+ /, "")
      if (/^#define /)
        macros[name] = macros[name] $0 "\n"
      else {
        # A brace in a text would be taken for one of the language.
        gsub (/"([^"\\]|\\.)*"/, "\"\"")
        text[name] = text[name] " " $0
      }
    }

    END {
      while ((getline header < names) > 0) {
        lines = split (macros[header], line, "\n")
        for (j = 1; j <= lines; j++)
          read_macro(line[j])
        read_header(text[header])
      }
      exit failed
    }
  ' > "$work/declarations"
}

includes ()
{
  echo '#include <stdio.h>'
  sed 's|.*|#include <adze/&>|' "$work/names"
}

layout ()
{
  {
    includes
    echo 'int main (void) {'
    awk '
      $2 == "struct" { printf "printf (\"%s %s size %%zu\\n\", sizeof (%s));\n", $1, $3, $3 }
      $2 == "member" {
        printf "printf (\"%s %s.%s at %%zu size %%zu\\n\", ", $1, $3, $4
        printf "offsetof (%s, %s), sizeof (((%s *)0)->%s));\n", $3, $4, $3, $4
      }' "$work/declarations"
    echo 'return 0; }'
  } > "$work/program.c"
  compile_and_run
}

contract ()
{
  {
    includes
    cat <<'END'
static void text (const char *value) { printf ("\"%s\"", value); }
static void number (long long value) { printf ("%lld", value); }
#define SHOW(value) _Generic ((value), char *: text, const char *: text, default: number) (value)
int main (void) {
END
    awk '
      $2 == "number" {
        printf "printf (\"%s %s = \"); SHOW (%s); puts (\"\");\n", $1, $3, $3
        next
      }
      $2 == "struct" { printf "puts (\"%s struct %s\");\n", $1, $3; next }
      $2 == "member" { line = $1 " " $3 "." $4 ":"; from = 5 }
      $2 == "typedef" { line = $1; from = 2 }
      {
        for (i = from; i <= NF; i++)
          line = line " " $i
        printf "puts (\"%s\");\n", line
      }' "$work/declarations"
    echo 'return 0; }'
  } > "$work/program.c"
  compile_and_run
}

case $form in
  layout | contract)
    declarations
    $form ;;
  machine)
    echo '__LP64__' | ${CC:-cc} -E -P - > "$work/model"
    model=$(grep -v '^$' "$work/model")
    machine=$(${CC:-cc} -dumpmachine | cut -d- -f1)
    [ "$model" = 1 ] || machine=$machine-short
    echo "$machine" ;;
  *)
    echo "layout.sh: say what to print: layout, contract or machine" >&2
    exit 2 ;;
esac
