#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Parameters are written once: a preset that changes in a plugin's source changes in its manifest,
# in `inspect`, in its JSON, in the schema, in the manual page, and in what the plugin gets.
set -eu
[ "$ADZE_SHARED" = yes ] || { echo "a static build takes no plugin files"; exit 0; }
cd "$TMPDIR"

fail ()
{
  echo "$*" >&2
  exit 1
}

# build PRESET: the plugin in its folder, stamped.
build ()
{
  sed "s/@PRESET@/$1/" > once.c <<'END'
#include <adze/sdk.h>

static const adze_param params[] = {
  { .name = "factor", .type = ADZE_PARAM_FLOAT, .preset = "@PRESET@", .range = "(0, 1000]",
    .unit = "times", .help = "what to multiply with" },
  { .name = NULL },
};

static adze_status
create (const adze_host *host, const adze_params *given, void **instance)
{
  double *factor = host->allocate (host, sizeof *factor);
  if (!factor)
    return adze_fail (host, ADZE_E_MEMORY, "no room");
  *factor = adze_param_float (host, given, "factor");
  *instance = factor;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  adze_view out;
  adze_status status = adze_call_output_like (host, call, input, &out);
  for (size_t i = 0; status == ADZE_OK && i < adze_view_count (&out); i++)
    ((float *)out.data)[i] = ((const float *)input->view.data)[i] * (float)*(double *)instance;
  return status;
}

static const adze_technique technique
    = { .struct_size = sizeof technique, .effect = ADZE_CHANGES, .create = create,
        .destroy = destroy, .apply = apply };
static const adze_component component
    = { .struct_size = sizeof component, .kind_revision = ADZE_TECHNIQUE_REVISION,
        .kind = ADZE_TECHNIQUE, .id = "once", .summary = "multiplies", .params = params,
        .param_size = sizeof (adze_param), .threading = ADZE_THREADS_PARALLEL,
        .callbacks = &technique };
static const adze_component *const components[] = { &component, NULL };
static const adze_plugin plugin = { ADZE_PLUGIN_HEAD, .id = "once", .version = "1",
                                    .summary = "a test", .license = "Apache-2.0",
                                    .components = components };
ADZE_PLUGIN_REGISTER (once, plugin);
END
  $CC -std=gnu11 -shared -fPIC -fvisibility=hidden -I"$TOP_SRCDIR/sdk/include" -o once.so once.c
  "$ADZE" plugin stamp once.so > /dev/null
}

# The number is what changes, and nothing but it.
look ()
{
  cat once.toml
  "$ADZE" inspect once --plugin-path .
  "$ADZE" inspect once --plugin-path . --json
  "$ADZE" inspect once --plugin-path . --schema
  "$ADZE" inspect once --plugin-path . --man
  "$ADZE" plugin try once --plugin-path . --data 1
}

build 8.25
look > before
for place in 'default = 8.25' '"default": 8.25' '8.25'; do
  grep -qF -e "$place" before || fail "nothing says '$place': $(cat before)"
done
grep -qx '8.25' before || fail "the plugin does not get its preset"
"$ADZE" inspect once --plugin-path . --man | grep -qF 8.25 || fail "the manual page lacks it"
"$ADZE" inspect once --plugin-path . --schema | grep -qF 8.25 || fail "the schema lacks it"

build 7.75
look > after
! grep -F 8.25 after || fail "the old preset is still told"
[ "$(grep -cF 7.75 after)" -eq "$(grep -cF 8.25 before)" ] || fail "told at other places than before"

# A manifest that still tells the old one is refused, with both values.
sed -i -e 's/7\.75/8.25/' -e '/^digest/d' once.toml
if "$ADZE" plugin try once --plugin-path . --data 1 > out 2>&1; then
  fail "a manifest that disagrees with the binary is believed"
fi
grep -q 'needed: .*8\.25' out && grep -q 'found: .*7\.75' out || fail "$(cat out)"
