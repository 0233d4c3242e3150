/* SPDX-License-Identifier: Apache-2.0 */
/* graph/tap.c: the values that are looked at become outputs of a copy; what comes out is summed up. */
#include "graph/tap.h"

#include <math.h>
#include <string.h>

#include "artifact/decode.h"
#include "graph/graph.h"

enum { DECODED = 1024 }; /* elements at a time */

/* MEAN and SPREAD (the sum of squared distances from it) as they are after each element: what is far
 * from 0 and close together loses no digits. */
typedef struct seen {
  uint64_t count, not_finite, zeros;
  double least, most, mean, spread;
  double range;
  uint64_t bins[ADZE_TAP_BINS];
} seen;

struct adze_tapped {
  adze_graph *graph; /* the copy */
  adze_executable *executable;
  size_t *outputs; /* which of the graph's each value is */
  seen *seen;
  size_t count, output_count;
  const adze_view **views; /* of the last batch, all outputs */
  bool fed;
};

/* ---- Opening. */

static adze_error *
check_value (const adze_graph *graph, uint32_t number)
{
  const adze_graph_value *value
      = number < adze_graph_value_count (graph) ? adze_graph_value_at (graph, number) : NULL;
  if (!value)
    return adze_error_new (ADZE_E_CONTRACT, "graph '%s' has no value number %u",
                           adze_graph_name (graph), number);
  if (value->dtype.code == ADZE_FLOAT || value->dtype.code == ADZE_BFLOAT)
    return NULL;
  return adze_error_new (ADZE_E_UNSUPPORTED, "'%s' is %s; statistics are of floats",
                         value->name, value->dtype.bits ? adze_dtype_name (value->dtype)
                                                        : "of a type that is not known");
}

/* Which of the graph's outputs the value is; it becomes one where it is none. */
static adze_error *
output_of (adze_graph *graph, const char *name, size_t *output)
{
  uint32_t value = adze_graph_find (graph, name);
  size_t count;
  if (value == ADZE_NONE)
    return adze_error_new (ADZE_E_INTERNAL, "the copy of a graph has no value '%s'", name);
  if (!adze_graph_gives (graph, value))
    ADZE_TRY (adze_graph_add_output (graph, value));
  const uint32_t *outputs = adze_graph_outputs (graph, &count);
  for (*output = 0; outputs[*output] != value; ++*output)
    ;
  return NULL;
}

static adze_error *
add_outputs (adze_tapped *tapped, const adze_graph *graph, const uint32_t *values)
{
  for (size_t i = 0; i < tapped->count; i++) {
    ADZE_TRY (check_value (graph, values[i]));
    ADZE_TRY (output_of (tapped->graph, adze_graph_value_at (graph, values[i])->name,
                         &tapped->outputs[i]));
  }
  return NULL;
}

static void
begin (seen *s)
{
  s->least = s->most = NAN;
}

static adze_error *
open_parts (adze_tapped *tapped, adze_graph *graph, const uint32_t *values,
            const adze_compile_options *options)
{
  const uint32_t *order;
  size_t nodes;
  ADZE_TRY (adze_graph_order (graph, &order, &nodes));
  ADZE_TRY (adze_graph_copy (graph, &tapped->graph));
  tapped->outputs = calloc (tapped->count + 1, sizeof *tapped->outputs);
  tapped->seen = calloc (tapped->count + 1, sizeof *tapped->seen);
  if (!tapped->outputs || !tapped->seen)
    return adze_error_memory ();
  for (size_t i = 0; i < tapped->count; i++)
    begin (&tapped->seen[i]);
  ADZE_TRY (add_outputs (tapped, graph, values));
  adze_graph_outputs (tapped->graph, &tapped->output_count);
  tapped->views = calloc (tapped->output_count + 1, sizeof *tapped->views);
  if (!tapped->views)
    return adze_error_memory ();
  return adze_graph_compile (tapped->graph, options, &tapped->executable);
}

adze_error *
adze_tapped_open (adze_graph *graph, const uint32_t *values, size_t count,
                  const adze_compile_options *options, adze_tapped **tapped)
{
  adze_tapped *made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->count = count;
  adze_error *error = open_parts (made, graph, values, options);
  if (error) {
    adze_tapped_close (made);
    return error;
  }
  *tapped = made;
  return NULL;
}

void
adze_tapped_close (adze_tapped *tapped)
{
  if (!tapped)
    return;
  adze_executable_free (tapped->executable);
  adze_graph_free (tapped->graph);
  free (tapped->outputs);
  free (tapped->seen);
  free (tapped->views);
  free (tapped);
}

/* ---- Summing up. */

/* Bins of twice the width are pairs of those that were. */
static void
widen (seen *s)
{
  for (size_t i = 0; i < ADZE_TAP_BINS / 2; i++)
    s->bins[i] = s->bins[2 * i] + s->bins[2 * i + 1];
  memset (s->bins + ADZE_TAP_BINS / 2, 0, sizeof s->bins / 2);
  s->range *= 2;
}

/* The first number that is not 0 says where bins begin; zeros were in bin 0 already. */
static void
count_size (seen *s, double size)
{
  int exponent;
  if (size > 0 && s->range == 0) {
    frexp (size, &exponent);
    s->range = ldexp (1, exponent);
  }
  while (size > 0 && size >= s->range)
    widen (s);
  s->bins[size > 0 ? (size_t)(size / s->range * ADZE_TAP_BINS) : 0]++;
}

static void
look (seen *s, double x)
{
  if (!isfinite (x)) {
    s->not_finite++;
    return;
  }
  double distance = x - s->mean;
  s->count++;
  s->mean += distance / (double)s->count;
  s->spread += distance * (x - s->mean);
  s->zeros += x == 0;
  s->least = s->count > 1 && s->least < x ? s->least : x;
  s->most = s->count > 1 && s->most > x ? s->most : x;
  count_size (s, fabs (x));
}

static void
look_at_view (seen *s, const adze_view *view)
{
  double numbers[DECODED];
  size_t count = adze_view_count (view), size = view->dtype.bits / 8;
  const char *data = adze_view_data (view);
  for (size_t first = 0; first < count; first += DECODED) {
    size_t part = count - first < DECODED ? count - first : DECODED;
    adze_decode (view->dtype, data + first * size, part, numbers);
    for (size_t i = 0; i < part; i++)
      look (s, numbers[i]);
  }
}

adze_error *
adze_tapped_feed (adze_tapped *tapped, const adze_view *const *inputs)
{
  ADZE_TRY (adze_execute (tapped->executable, inputs, tapped->views));
  tapped->fed = true;
  for (size_t i = 0; i < tapped->count; i++)
    look_at_view (&tapped->seen[i], tapped->views[tapped->outputs[i]]);
  return NULL;
}

/* ---- What was seen. */

const adze_view *
adze_tapped_last (const adze_tapped *tapped, size_t index)
{
  return tapped->fed && index < tapped->count ? tapped->views[tapped->outputs[index]] : NULL;
}

adze_error *
adze_tapped_statistics (const adze_tapped *tapped, size_t index, adze_tap_statistics *statistics)
{
  if (index >= tapped->count)
    return adze_error_new (ADZE_E_CONTRACT, "there is no value number %zu among the %zu taps",
                           index, tapped->count);
  const seen *s = &tapped->seen[index];
  const adze_tap_statistics all
      = { .struct_size = sizeof all,
          .count = s->count,
          .not_finite = s->not_finite,
          .zeros = s->zeros,
          .least = s->least,
          .most = s->most,
          .mean = s->count ? s->mean : NAN,
          .variance = s->count ? s->spread / (double)s->count : NAN,
          .range = s->range,
          .bins = s->bins };
  uint32_t size
      = statistics->struct_size < sizeof all ? statistics->struct_size : (uint32_t)sizeof all;
  memcpy (statistics, &all, size);
  statistics->struct_size = size;
  return NULL;
}

const adze_executable_facts *
adze_tapped_facts (const adze_tapped *tapped)
{
  return adze_executable_facts_of (tapped->executable);
}
