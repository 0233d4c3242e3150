#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Good pipelines pass `adze check`, and what editors are told about them agrees: the schema takes all
# of good/ and refuses those of broken/ whose mistake a schema can see. The second half needs
# python3-jsonschema.
. "$(dirname "$0")/lib.sh"
parts_

cp -r "$here/good" "$here/broken" . || exit 99
files_ good
for file in good/*.toml; do
  command=$(sed -n '1s/^# adze check //p' "$file")
  # shellcheck disable=SC2086
  expect 0 "$ADZE" $PARTS check "$file" $command
  out_is "good: $file"
  err_empty
done
# shellcheck disable=SC2086
{
  expect 0 "$ADZE" $PARTS check good/least.toml --quiet
  out_empty
  expect 0 "$ADZE" $PARTS check good/least.toml --json
  json_is true good
  # Sizes are written behind --set as in a file.
  for size in 0.3KB "0.3 KB" '"0.3 KB"' 300; do
    expect 0 "$ADZE" $PARTS check good/shards.toml --set "output.0.shard-size=$size"
  done
  expect 2 "$ADZE" $PARTS check good/shards.toml --set "output.0.shard-size=2 kilo"
  err_has "\"2 kilo\" is no size; one reads"
  files_ broken
  expect 1 "$ADZE" $PARTS check broken/several.toml --json
  json_is format error status
  json_is "broken/several.toml has 9 mistakes" error message
  json_is 9 error errors
  json_is 34 error errors 5 facts line
  json_is "broken/several.toml:34:8: there is no [data.tset]; did you mean \"test\"?" \
    error errors 5 message
  expect 1 "$ADZE" $PARTS check missing.toml
  err_has "missing.toml"
  expect 2 "$ADZE" $PARTS check

  expect 0 "$ADZE" $PARTS schema
  json_valid
  mv out schema.json
}

python3 -c 'import jsonschema, tomllib' 2> /dev/null || {
  echo "no python3-jsonschema: the schema is not tried"
  [ "${ADZE_TEST_STRICT-}" != 1 ] || fail "ADZE_TEST_STRICT=1 wants python3-jsonschema"
  done_
}
cat > validate.py <<'END'
import glob, json, sys, tomllib
import jsonschema

# What a schema can see: kinds of mistake by the beginnings of their names.
seen = """data-key data-limit data-part-percent data-source data-without data-wrong
input-dataset input-format input-name input-parameter input-without key-unknown model-without
name-bad observer-parameter observer-unknown output-format output-without parameter-choice
parameter-component parameter-host parameter-list parameter-map parameter-missing
parameter-range parameter-type parameter-unknown
port-data-reference port-inputs port-model-by port-unknown port-without rule-key rule-one
rule-parameter rule-without run seed stage-backend stage-id-bad stage-id-reserved stage-isolate
stage-on stage-one stage-technique stage-without stage-wrong table version several""".split()
schema = json.load(open("schema.json"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
failed = 0
count = 0
for name in sorted(glob.glob("good/*.toml")):
    if "model-from-outside" in name:
        continue
    for error in validator.iter_errors(tomllib.load(open(name, "rb"))):
        print(name, "is refused:", error.message[:200])
        failed = 1
for name in sorted(glob.glob("broken/*.toml")):
    base = name[len("broken/"):]
    if not any(base.startswith(word) for word in seen):
        continue
    count += 1
    if validator.is_valid(tomllib.load(open(name, "rb"))):
        print(name, "is taken")
        failed = 1
if count < 55:
    print("only", count, "broken ones were tried")
    failed = 1
sys.exit(failed)
END
expect 0 python3 validate.py
done_
