/* SPDX-License-Identifier: Apache-2.0 */
/* stage/tap_service.c: adze.tap/1: networks that are looked into. */
#include "graph/tap.h"
#include "stage/call.h"
#include "stage/networks.h"

/* The SDK's name, and where it belongs. */
struct adze_taps {
  adze_networks *networks;
  adze_tapped *tapped;
};

static adze_status
settle (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

static void
free_taps (void *object)
{
  adze_taps *taps = object;
  adze_tapped_close (taps->tapped);
  free (taps);
}

static adze_error *
open_taps (adze_networks *networks, adze_graph *graph, const uint32_t *values, size_t count,
           const adze_eval_options *options, adze_taps **taps)
{
  adze_compile_options compile;
  ADZE_TRY (adze_networks_options (networks, &compile));
  compile.shapes = options ? options->shapes : NULL;
  compile.fixed_weights = !options || options->weights_change == 0;
  adze_taps *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  ADZE_TRY (adze_networks_keep (networks, made, free_taps));
  made->networks = networks;
  adze_error *error = adze_tapped_open (graph, values, count, &compile, &made->tapped);
  if (error) {
    adze_networks_drop (networks, made);
    return error;
  }
  adze_networks_tell (networks, adze_tapped_facts (made->tapped));
  *taps = made;
  return NULL;
}

static adze_status
tap_open (const adze_host *host, adze_context *context, adze_graph *graph, const uint32_t *values,
          size_t count, const adze_eval_options *options, adze_taps **taps)
{
  adze_networks *networks = adze_networks_here (host, ADZE_TAP " open");
  (void)context;
  return networks ? settle (host, open_taps (networks, graph, values, count, options, taps))
                  : ADZE_E_UNSUPPORTED;
}

static adze_status
tap_feed (const adze_host *host, adze_taps *taps, const adze_view *const *inputs)
{
  if (!adze_networks_here (host, ADZE_TAP " feed"))
    return ADZE_E_UNSUPPORTED;
  return settle (host, adze_tapped_feed (taps->tapped, inputs));
}

static const adze_view *
tap_last (const adze_host *host, const adze_taps *taps, size_t index)
{
  (void)host;
  return adze_tapped_last (taps->tapped, index);
}

static adze_status
tap_statistics (const adze_host *host, const adze_taps *taps, size_t index,
                adze_tap_statistics *statistics)
{
  return settle (host, adze_tapped_statistics (taps->tapped, index, statistics));
}

static void
tap_close (const adze_host *host, adze_context *context, adze_taps *taps)
{
  (void)host;
  (void)context;
  if (taps)
    adze_networks_drop (taps->networks, taps);
}

const adze_tap_service adze_tap_services = {
  .struct_size = sizeof adze_tap_services,
  .open = tap_open,
  .feed = tap_feed,
  .last = tap_last,
  .statistics = tap_statistics,
  .close = tap_close,
};
