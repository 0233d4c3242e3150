/* SPDX-License-Identifier: Apache-2.0 */
/* score.c: how well a node's parents explain it, less what their number costs: BIC of a linear Gaussian model, BIC of
 * tables, BDeu. A graph's score is the sum over its nodes; of equivalent graphs it is the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "discover.h"

/* What is left of a variance is not taken as less, where a table was drawn again. */
static const double least_variance = 1e-10;

/* Up to so many cells are counted where they lie; of more, the rows are sorted. */
enum { CELLS = 65536 };

adze_status
discover_open_scorer (discover_run *r, const discover_data *data, discover_scorer *scorer)
{
  *scorer = (discover_scorer){ .r = r, .data = data };
  return data->numbers ? discover_correlate (r, data, &scorer->correlations) : ADZE_OK;
}

void
discover_close_scorer (discover_scorer *scorer)
{
  scorer->r->host->release (scorer->r->host, scorer->correlations);
}

size_t
discover_score_scratch (const discover_scorer *scorer, uint32_t parent_count)
{
  return scorer->data->numbers ? (size_t)(parent_count + 1) * (parent_count + 1) * sizeof (double)
                               : scorer->data->rows * sizeof (uint64_t) + CELLS * sizeof (uint32_t);
}

/* ---- Numbers: the variance that the parents leave, by a factor of the correlations. */

static double
score_numbers (const discover_scorer *s, uint32_t node, const uint32_t *parents, uint32_t parent_count, double *factor)
{
  const uint32_t count = s->data->count, stride = parent_count + 1;
  const double rows = (double)s->data->rows;
  double left = 1;
  for (uint32_t i = 0; i < stride; i++) {
    const uint32_t own = i < parent_count ? parents[i] : node;
    double *row = factor + (size_t)i * stride;
    left = 1;
    for (uint32_t j = 0; j < i; j++) {
      const double *before = factor + (size_t)j * stride;
      double sum = s->correlations[(size_t)own * count + parents[j]];
      for (uint32_t k = 0; k < j; k++)
        sum -= row[k] * before[k];
      row[j] = sum / before[j];
      left -= row[j] * row[j];
    }
    left = left < least_variance ? least_variance : left;
    row[i] = sqrt (left);
  }
  return -rows / 2 * log (left) - s->r->settings.penalty / 2 * log (rows) * (parent_count + 1);
}

/* ---- Categories: only what is there is counted. */

static double
log_gamma (double x)
{
  int sign;
  return lgamma_r (x, &sign);
}

/* Of the rows that have the same of all parents. CELL and ALL: BDeu's counts that nobody has seen. */
static double
score_stratum (const discover_scorer *s, const uint32_t *counts, uint32_t kinds, double seen, double cell, double all)
{
  const bool is_bdeu = s->r->settings.score == DISCOVER_BDEU;
  double sum = is_bdeu ? log_gamma (all) - log_gamma (seen + all) : 0;
  for (uint32_t i = 0; i < kinds; i++)
    if (counts[i] > 0)
      sum += is_bdeu ? log_gamma (counts[i] + cell) - log_gamma (cell) : counts[i] * log (counts[i] / seen);
  return sum;
}

/* Rows that are sorted by what the parents have. */
static double
score_sorted (const discover_scorer *s, uint32_t node, const uint64_t *keys, uint32_t *counts, double cell, double all)
{
  const discover_data *data = s->data;
  const uint8_t *codes = data->codes + node * data->rows;
  const uint32_t kinds = data->kinds[node];
  double sum = 0;
  for (size_t first = 0, next = 0; first < data->rows; first = next) {
    memset (counts, 0, kinds * sizeof *counts);
    for (; next < data->rows && keys[next] >> 32 == keys[first] >> 32; next++)
      counts[codes[keys[next] & UINT32_MAX]]++;
    sum += score_stratum (s, counts, kinds, (double)(next - first), cell, all);
  }
  return sum;
}

/* Few enough of them to be counted where they lie. */
static double
score_cells (const discover_scorer *s, uint32_t node, const uint32_t *parents, uint32_t parent_count, uint32_t *cells,
             double cell, double all)
{
  const discover_data *data = s->data;
  const uint32_t kinds = data->kinds[node];
  uint32_t strata = 1;
  double sum = 0;
  for (uint32_t i = 0; i < parent_count; i++)
    strata *= data->kinds[parents[i]];
  memset (cells, 0, (size_t)strata * kinds * sizeof *cells);
  for (size_t row = 0; row < data->rows; row++) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < parent_count; i++)
      at = at * data->kinds[parents[i]] + data->codes[parents[i] * data->rows + row];
    cells[at * kinds + data->codes[node * data->rows + row]]++;
  }
  for (uint32_t i = 0; i < strata; i++) {
    uint32_t seen = 0;
    for (uint32_t k = 0; k < kinds; k++)
      seen += cells[i * kinds + k];
    if (seen > 0)
      sum += score_stratum (s, cells + i * kinds, kinds, seen, cell, all);
  }
  return sum;
}

static double
score_categories (const discover_scorer *s, uint32_t node, const uint32_t *parents, uint32_t parent_count, void *scratch)
{
  const discover_data *data = s->data;
  const discover_settings *settings = &s->r->settings;
  const uint32_t kinds = data->kinds[node];
  uint32_t *cells = (uint32_t *)scratch;
  uint64_t *keys = (uint64_t *)(void *)(cells + CELLS);
  double strata = 1, sum;
  for (uint32_t i = 0; i < parent_count; i++)
    strata *= data->kinds[parents[i]];
  const double all = settings->equivalent_samples / strata, cell = all / kinds;
  if (strata * kinds <= CELLS) {
    sum = score_cells (s, node, parents, parent_count, cells, cell, all);
  } else {
    discover_sort_rows (data, parents, parent_count, keys);
    sum = score_sorted (s, node, keys, cells, cell, all);
  }
  if (settings->score == DISCOVER_BDEU)
    return sum;
  return sum - settings->penalty / 2 * log ((double)data->rows) * strata * (kinds - 1);
}

double
discover_score_of (const discover_scorer *scorer, uint32_t node, const uint32_t *parents, uint32_t parent_count,
                   void *scratch)
{
  return scorer->data->numbers ? score_numbers (scorer, node, parents, parent_count, (double *)scratch)
                               : score_categories (scorer, node, parents, parent_count, scratch);
}
