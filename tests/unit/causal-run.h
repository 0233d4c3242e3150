/* SPDX-License-Identifier: Apache-2.0 */
/* causal-run.h: the files of causal-discover at work on a host of a few lines: numbers that are drawn, columns that are
 * made of a graph, and the truth about graphs by trying everything. */
#ifndef CAUSAL_RUN_H
#define CAUSAL_RUN_H

#include "fake-host.h"

#include <math.h>

#include "../../plugins/techniques/causal-discover/discover.h"

static bool
causal_progress (const adze_host *host, adze_context *context, uint64_t done, uint64_t total)
{
  (void)host;
  (void)context;
  (void)done;
  (void)total;
  return true;
}

static void *
causal_allocate (const adze_host *host, size_t size)
{
  (void)host;
  return calloc (1, size);
}

static void
causal_release (const adze_host *host, void *memory)
{
  (void)host;
  free (memory);
}

static const adze_run_service causal_service = { .struct_size = sizeof causal_service, .progress = causal_progress };
static const adze_host causal_host = { .struct_size = sizeof causal_host, .service = fake_service,
                                       .allocate = causal_allocate, .release = causal_release };

static uint64_t causal_state = 1;

static double
causal_unit (void)
{
  causal_state = causal_state * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
  return (double)(causal_state >> 11) / 9007199254740992.0;
}

static uint32_t
causal_below (uint32_t limit)
{
  return (uint32_t)(causal_unit () * limit);
}

static double
causal_normal (void)
{
  return sqrt (-2 * log (1 - causal_unit ())) * cos (6.283185307179586 * causal_unit ());
}

/* ---- A run over COUNT variables, "V00", "V01" ...; without knowledge. */

static void
causal_open (discover_run *r, uint32_t count)
{
  *r = (discover_run){ .host = &causal_host, .run = &causal_service, .count = count };
  r->settings = (discover_settings){ .alpha = 0.05, .penalty = 1, .equivalent_samples = 10, .lambda = 0.1,
                                     .threshold = 0.3, .tolerance = 1e-8, .depth = UINT32_MAX, .rounds = 100 };
  r->names = calloc (count, sizeof *r->names);
  assert_non_null (r->names);
  for (uint32_t i = 0; i < count; i++) {
    r->names[i] = malloc (8);
    assert_non_null (r->names[i]);
    snprintf (r->names[i], 8, "V%02u", i % 100);
  }
  r->knowledge.count = count;
  r->knowledge.pairs = calloc ((size_t)count * count, 1);
}

static void
causal_forget (discover_run *r)
{
  discover_close_found (r, &r->found);
  assert_int_equal (discover_open_found (r, &r->found), ADZE_OK);
}

static void
causal_close (discover_run *r)
{
  discover_close_found (r, &r->found);
  for (uint32_t i = 0; i < r->count; i++)
    free (r->names[i]);
  free (r->names);
  free (r->knowledge.pairs);
  free (r->data.numbers);
  free (r->data.spread);
  free (r->data.codes);
  free (r->data.kinds);
}

/* ---- Graphs. ORDER: causes come first. */

static void
causal_draw (pdag *g, double density)
{
  uint32_t order[64];
  for (uint32_t i = 0; i < g->count; i++) {
    const uint32_t other = causal_below (i + 1);
    order[i] = order[other];
    order[other] = i;
  }
  memset (g->leads, 0, (size_t)g->count * g->count);
  for (uint32_t i = 0; i < g->count; i++)
    for (uint32_t k = i + 1; k < g->count; k++)
      if (causal_unit () < density)
        pdag_set_arrow (g, order[i], order[k], PDAG_BY_NOTHING);
}

static bool
causal_has_circle (const pdag *g)
{
  for (uint32_t a = 0; a < g->count; a++)
    for (uint32_t b = 0; b < g->count; b++)
      if (pdag_arrow (g, a, b) && pdag_reaches (g, b, a))
        return true;
  return false;
}

/* Numbers of a linear graph; noise of variance 1. */
static void
causal_fill (discover_run *r, const pdag *g, size_t rows, double low, double high)
{
  double weights[64][64] = { { 0 } };
  r->data.count = r->count;
  r->data.rows = rows;
  r->data.numbers = calloc (r->count * rows, sizeof (double));
  r->data.spread = calloc (r->count, sizeof (double));
  assert_true (r->data.numbers && r->data.spread);
  for (uint32_t a = 0; a < r->count; a++)
    for (uint32_t b = 0; b < r->count; b++)
      if (pdag_arrow (g, a, b))
        weights[a][b] = (low + (high - low) * causal_unit ()) * (causal_unit () < 0.5 ? -1 : 1);
  for (size_t row = 0; row < rows; row++) {
    bool done[64] = { false };
    for (uint32_t left = r->count; left > 0;)
      for (uint32_t b = 0; b < r->count; b++) {
        bool ready = !done[b];
        double sum = 0;
        for (uint32_t a = 0; ready && a < r->count; a++) {
          ready = !pdag_arrow (g, a, b) || done[a];
          sum += weights[a][b] != 0 ? weights[a][b] * r->data.numbers[a * rows + row] : 0;
        }
        if (!ready)
          continue;
        r->data.numbers[b * rows + row] = sum + causal_normal ();
        done[b] = true;
        left--;
      }
  }
  for (uint32_t i = 0; i < r->count; i++)
    r->data.spread[i] = discover_standardise (r->data.numbers + i * rows, rows);
}

#endif
