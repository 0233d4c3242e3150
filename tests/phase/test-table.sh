#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# adze phase table: a router is set up from a bundle, where it was built and where it was deployed.
. "$(dirname "$0")/lib.sh"
mkdir -p models/sad models/trips
make_model models/sad/model.gguf
make_model models/trips/model.gguf
expect 0 "$ADZE" phase create one
expect 0 "$ADZE" phase add one sad models/sad --description 'Listens, "as a friend"' --keyword dog --keyword 'my old' \
  --emotion sadness=1 --emotion fear=0.8 --speed 450.5 --quality 0.95
expect 0 "$ADZE" phase add one trips models/trips --description 'Trips, trains' --keyword train --emotion anticipation=0.75
for domain in sad trips; do
  expect 0 "$ADZE" phase status one $domain --set complete
done
expect 0 "$ADZE" phase build one --as-is --quiet
expect 1 "$ADZE" phase table adze-phases/built/one/1
err_has "how long 'trips' takes"
err_has 'adze phase edit PHASE trips --speed MS'
out_empty
expect 0 "$ADZE" phase edit one trips --speed 150
expect 0 "$ADZE" phase build one --as-is --quiet
expect 0 "$ADZE" phase deploy one target
expect 0 "$ADZE" phase table target/current
cp out domains.csv
out_is 'name,description,keywords,profile,latency,quality
"sad","Listens, ""as a friend""","dog my old","sadness=1; fear=0.8",450.5,0.95
"trips","Trips, trains","train","anticipation=0.75",150,0'
expect 0 "$ADZE" phase table target/current --json
json_is 'my old' domains 0 keywords 1
json_is 450.5 domains 0 latency
json_is 0.75 domains 1 profile anticipation
expect 1 "$ADZE" phase table models
err_has 'is no bundle'
expect 4 "$ADZE" phase table nowhere

# What comes of it routes.
printf 'text\nMy old dog died\nWhen does the train leave\n' > queries.csv
cp "$TOP_SRCDIR/docs/examples/route-emotion.toml" "$TOP_SRCDIR/share/emotion-default.safetensors" .
expect 0 "$ADZE" run route-emotion.toml --set stage.route-emotion.fallback=trips
[ "$(cut -d, -f3 decisions.csv | tr '\n' ' ')" = 'winner sad trips ' ] || fail "it should route: $(cat decisions.csv)"
done_
