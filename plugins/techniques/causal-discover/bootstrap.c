/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap.c: as many rows are drawn out of the table's, with repetitions, and the search is done again: how often an
 * edge is found says how much it hangs on these rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "discover.h"

static adze_status
draw_rows (const discover_run *r, uint64_t *rows)
{
  const size_t count = r->data.rows;
  if (!adze_random_fill (r->host, "bootstrap", r->round * count, rows, count))
    return adze_fail (r->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_RANDOM);
  for (size_t i = 0; i < count; i++)
    rows[i] = (uint64_t)(adze_random_unit (rows[i]) * (double)count);
  return ADZE_OK;
}

static void
copy_rows (const discover_data *data, const uint64_t *rows, discover_data *drawn)
{
  for (uint32_t i = 0; i < data->count; i++) {
    const size_t first = i * data->rows;
    for (size_t k = 0; data->numbers && k < data->rows; k++)
      drawn->numbers[first + k] = data->numbers[first + rows[k]];
    for (size_t k = 0; data->codes && k < data->rows; k++)
      drawn->codes[first + k] = data->codes[first + rows[k]];
    if (data->numbers)
      drawn->spread[i] = data->spread[i] * discover_standardise (drawn->numbers + first, data->rows);
  }
}

static adze_status
open_drawn (const discover_run *r, discover_data *drawn)
{
  const discover_data *data = &r->data;
  const size_t size = (size_t)data->count * data->rows;
  adze_status status = ADZE_OK;
  *drawn = (discover_data){ .count = data->count, .rows = data->rows };
  if (data->numbers)
    status = discover_room (r->host, size, sizeof *drawn->numbers, "rows that are drawn", &drawn->numbers);
  if (status == ADZE_OK && data->numbers)
    status = discover_room (r->host, data->count, sizeof *drawn->spread, "rows that are drawn", &drawn->spread);
  if (status == ADZE_OK && data->codes)
    status = discover_room (r->host, size, 1, "rows that are drawn", &drawn->codes);
  if (status == ADZE_OK && data->codes)
    status = discover_room (r->host, data->count, sizeof *drawn->kinds, "rows that are drawn", &drawn->kinds);
  if (status == ADZE_OK && data->codes)
    memcpy (drawn->kinds, data->kinds, data->count * sizeof *drawn->kinds);
  return status;
}

static void
count_edges (discover_run *r, const pdag *graph)
{
  for (uint32_t x = 0; x < r->count; x++)
    for (uint32_t y = x + 1; y < r->count; y++) {
      uint32_t *counted = &r->counted[discover_pair_at (r->count, x, y) * 3];
      counted[0] += pdag_arrow (graph, x, y);
      counted[1] += pdag_arrow (graph, y, x);
      counted[2] += pdag_line (graph, x, y);
    }
}

static adze_status
do_round (discover_run *r, uint64_t *rows, discover_data *drawn)
{
  discover_found found = { 0 };
  adze_status status = draw_rows (r, rows);
  if (status == ADZE_OK) {
    copy_rows (&r->data, rows, drawn);
    status = discover_open_found (r, &found);
  }
  if (status == ADZE_OK)
    status = discover_search (r, drawn, true, &found);
  if (status == ADZE_OK)
    count_edges (r, &found.graph);
  discover_close_found (r, &found);
  return status;
}

/* ---- What was counted is kept now and then, so that a run that was killed need not count it again: how many tables, and
 * the counts. */

enum { KEPT = 20 }; /* times in all */

static adze_status
keep_counts (const discover_run *r)
{
  const size_t size = discover_pairs (r->count) * 3 * sizeof *r->counted;
  adze_bytes bytes = { 0 };
  adze_status status = adze_bytes_add (r->host, &bytes, &r->round, sizeof r->round);
  if (status == ADZE_OK)
    status = adze_bytes_add (r->host, &bytes, r->counted, size);
  if (status == ADZE_OK)
    status = r->run->save (r->host, r->context, "bootstrap", bytes.data, bytes.size);
  adze_bytes_release (r->host, &bytes);
  return status;
}

/* R->ROUND becomes the number of tables that are counted. */
static adze_status
find_counts (discover_run *r)
{
  const size_t size = discover_pairs (r->count) * 3 * sizeof *r->counted;
  const void *bytes = NULL;
  size_t found = 0;
  uint64_t round = 0;
  r->round = 0;
  adze_status status = r->run->load (r->host, r->context, "bootstrap", &bytes, &found);
  if (status != ADZE_OK || found != sizeof round + size)
    return status;
  memcpy (&round, bytes, sizeof round);
  if (round > r->settings.bootstrap)
    return ADZE_OK;
  memcpy (r->counted, (const char *)bytes + sizeof round, size);
  r->round = round;
  adze_log (r->host, ADZE_LOG_INFO, "goes on behind table %llu of %u", (unsigned long long)round, r->settings.bootstrap);
  return ADZE_OK;
}

static adze_status
count_tables (discover_run *r, uint64_t *rows, discover_data *drawn)
{
  const uint64_t every = 1 + r->settings.bootstrap / KEPT;
  adze_status status = find_counts (r);
  while (status == ADZE_OK && r->round < r->settings.bootstrap) {
    r->round++;
    status = discover_go_on (r);
    if (status == ADZE_OK)
      status = do_round (r, rows, drawn);
    if (status == ADZE_OK && r->round % every == 0)
      status = keep_counts (r);
  }
  return status;
}

adze_status
discover_bootstrap (discover_run *r)
{
  discover_data drawn = { 0 };
  uint64_t *rows = NULL;
  if (r->settings.bootstrap == 0)
    return ADZE_OK;
  adze_status status
      = discover_room (r->host, discover_pairs (r->count) * 3, sizeof *r->counted, "counts of edges", &r->counted);
  if (status == ADZE_OK)
    status = discover_room (r->host, r->data.rows, sizeof *rows, "rows that are drawn", &rows);
  if (status == ADZE_OK)
    status = open_drawn (r, &drawn);
  if (status == ADZE_OK)
    status = count_tables (r, rows, &drawn);
  r->host->release (r->host, rows);
  discover_close_data (r->host, &drawn);
  return status;
}

double
discover_share (const discover_run *r, uint32_t from, uint32_t to, bool line)
{
  const uint32_t *counted = &r->counted[discover_pair_at (r->count, from, to) * 3];
  return (double)counted[line ? 2 : from < to ? 0 : 1] / r->settings.bootstrap;
}

double
discover_any_share (const discover_run *r, uint32_t x, uint32_t y)
{
  const uint32_t *counted = &r->counted[discover_pair_at (r->count, x, y) * 3];
  return (double)(counted[0] + counted[1] + counted[2]) / r->settings.bootstrap;
}
