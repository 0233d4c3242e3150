/* SPDX-License-Identifier: Apache-2.0 */
/* Cases about techniques that are shown tensors piece by piece, or sum up what they see. */
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"

/* A model with OPTIONS, in a life of its own. */
static adze_error *
model_life (adze_case *one, adze_bench *bench, const adze_feed_options *options, uint64_t *sum,
            bool *refused)
{
  adze_error *error = adze_bench_create (bench, one, NULL);
  if (!error)
    error = adze_bench_feed_model (bench, options, sum, refused);
  adze_error *end = adze_bench_destroy (bench);
  if (!error)
    return end;
  adze_error_free (end);
  return error;
}

static adze_error *
compare_lives (adze_case *one, adze_bench *bench, const adze_feed_options *options, size_t count,
               const char *complaint)
{
  uint64_t first = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t sum = 0;
    bool refused = false;
    ADZE_TRY (model_life (one, bench, &options[i], &sum, &refused));
    if (refused) {
      snprintf (one->skipped, sizeof one->skipped, "it does not take a model of float32 tensors");
      return NULL;
    }
    if (i == 0)
      first = sum;
    else if (sum != first)
      return adze_error_new (ADZE_E_CONTRACT, "%s", complaint);
  }
  return NULL;
}

/* Loads the plugin, and looks at the technique's table. */
static adze_error *
look (adze_case *one, adze_bench *bench, const adze_technique **table)
{
  const adze_callbacks *callbacks = NULL;
  void *own = NULL;
  ADZE_TRY (adze_bench_open (one, &adze_case_watching, bench));
  ADZE_TRY (adze_active_callbacks (bench->record, bench->component->id, &callbacks, &own));
  *table = &callbacks->technique;
  return NULL;
}

/* Whole, in pieces of one row or element, in pieces of some; and whatever was in the memory that the
 * outputs go to. */
adze_error *
adze_case_pieces (adze_case *one)
{
  static const adze_feed_options cut[] = {
    { .poison = 0x5a, .watch_inputs = true },
    { .poison = 0xa5, .watch_inputs = true },
    { .piece = 1, .poison = 0x5a, .watch_inputs = true },
    { .piece = 16, .poison = 0x5a, .watch_inputs = true },
  };
  adze_bench bench = { 0 };
  const adze_technique *table = NULL;
  adze_error *error = look (one, &bench, &table);
  if (!error && table->run)
    snprintf (one->skipped, sizeof one->skipped, "it takes whole artifacts");
  if (!error && !one->skipped[0])
    error = compare_lives (one, &bench, cut, 2,
                           "it left bytes of an output as they were; all of an output that it asked "
                           "for must be written");
  if (!error && !one->skipped[0])
    error = compare_lives (one, &bench, cut, ADZE_COUNT_OF (cut),
                           "cut into other pieces, the same tensors gave other bytes; what it does "
                           "to a row or an element must not depend on its neighbours in a call");
  adze_bench_close (&bench);
  return error;
}

/* Orders of merging that a host may use, and an empty accumulator that must change nothing. */
adze_error *
adze_case_accumulators (adze_case *one)
{
  static const adze_feed_options same[] = {
    { .observed = 16, .merge = ADZE_FEED_ONE, .poison = 0x5a },
    { .observed = 16, .merge = ADZE_FEED_EMPTY, .poison = 0x5a },
    { .observed = 16, .merge = ADZE_FEED_ONE, .poison = 0x5a },
  };
  static const adze_feed_options trees[] = {
    { .observed = 16, .merge = ADZE_FEED_LEFT, .poison = 0x5a },
    { .observed = 5, .merge = ADZE_FEED_BALANCED, .poison = 0x5a },
    { .observed = 1, .merge = ADZE_FEED_BALANCED, .poison = 0x5a },
  };
  adze_bench bench = { 0 };
  const adze_technique *table = NULL;
  adze_error *error = look (one, &bench, &table);
  if (!error && !table->accumulator)
    snprintf (one->skipped, sizeof one->skipped, "it does not observe");
  if (!error && !one->skipped[0])
    error = compare_lives (one, &bench, same, ADZE_COUNT_OF (same),
                           "merged with an empty accumulator (zeros), or decided once more, it came "
                           "to another end");
  for (size_t i = 0; !error && !one->skipped[0] && i < ADZE_COUNT_OF (trees); i++)
    error = compare_lives (one, &bench, &trees[i], 1, "");
  adze_bench_close (&bench);
  return error;
}
