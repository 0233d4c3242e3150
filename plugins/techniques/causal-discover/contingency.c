/* SPDX-License-Identifier: Apache-2.0 */
/* contingency.c: independence of categories: chi-square and G-square, summed over the strata, the rows that have the
 * same of all that is given. What a stratum never has, it has no degrees of freedom for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "discover.h"

/* Up to so many cells are counted where they lie; of more, the rows are sorted. */
enum { CELLS = 65536 };

typedef struct tally {
  uint32_t rows[DISCOVER_CATEGORIES], columns[DISCOVER_CATEGORIES]; /* sums of the stratum's */
  uint32_t cells[CELLS];
  double statistic, degrees;
  bool is_g;
} tally;

/* Behind it: a key for each row of the table. */
static uint64_t *
keys_of (tally *t)
{
  return (uint64_t *)(t + 1);
}

size_t
discover_contingency_scratch (const discover_tester *tester, uint32_t given_count)
{
  (void)given_count;
  return sizeof (tally) + tester->data->rows * sizeof (uint64_t);
}

/* ---- A stratum. Cells by ones that are there: of others there is nothing to add but to the sums. */

static double
term (const tally *t, double seen, double row, double column, double all)
{
  const double expected = row * column / all;
  if (t->is_g)
    return 2 * seen * log (seen / expected);
  return seen * seen / expected;
}

/* Chi-square is the sum of squares over what was expected, less all that were seen. */
static void
end_stratum (tally *t, uint32_t row_kinds, uint32_t column_kinds, double sum, double all)
{
  uint32_t rows = 0, columns = 0;
  for (uint32_t i = 0; i < row_kinds; i++)
    rows += t->rows[i] > 0;
  for (uint32_t i = 0; i < column_kinds; i++)
    columns += t->columns[i] > 0;
  if (rows < 2 || columns < 2)
    return;
  t->statistic += t->is_g ? sum : sum - all;
  t->degrees += (double)(rows - 1) * (columns - 1);
}

static void
add_block (tally *t, const uint32_t *block, uint32_t row_kinds, uint32_t column_kinds)
{
  uint32_t all = 0;
  double sum = 0;
  memset (t->rows, 0, row_kinds * sizeof *t->rows);
  memset (t->columns, 0, column_kinds * sizeof *t->columns);
  for (uint32_t i = 0; i < row_kinds; i++)
    for (uint32_t j = 0; j < column_kinds; j++) {
      t->rows[i] += block[i * column_kinds + j];
      t->columns[j] += block[i * column_kinds + j];
    }
  for (uint32_t i = 0; i < row_kinds; i++)
    all += t->rows[i];
  for (uint32_t i = 0; all > 0 && i < row_kinds; i++)
    for (uint32_t j = 0; j < column_kinds; j++)
      if (block[i * column_kinds + j] > 0)
        sum += term (t, block[i * column_kinds + j], t->rows[i], t->columns[j], all);
  end_stratum (t, row_kinds, column_kinds, sum, all);
}

/* ---- Few cells. */

static void
count_cells (tally *t, const discover_data *data, const discover_ask *ask, uint32_t cells)
{
  const size_t rows = data->rows;
  const uint8_t *x = data->codes + ask->x * rows, *y = data->codes + ask->y * rows;
  const uint32_t x_kinds = data->kinds[ask->x], y_kinds = data->kinds[ask->y];
  memset (t->cells, 0, cells * sizeof *t->cells);
  for (size_t row = 0; row < rows; row++) {
    uint32_t cell = 0;
    for (uint32_t i = 0; i < ask->given_count; i++)
      cell = cell * data->kinds[ask->given[i]] + data->codes[ask->given[i] * rows + row];
    t->cells[(cell * x_kinds + x[row]) * y_kinds + y[row]]++;
  }
  for (uint32_t first = 0; first < cells; first += x_kinds * y_kinds)
    add_block (t, t->cells + first, x_kinds, y_kinds);
}

/* ---- Many: rows are sorted. */

static int
by_key (const void *left, const void *right)
{
  const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

static void
make_keys (uint64_t *keys, const discover_data *data, const discover_ask *ask)
{
  discover_sort_rows (data, ask->given, ask->given_count, keys);
  for (size_t k = 0; k < data->rows; k++) {
    const uint64_t row = keys[k] & UINT32_MAX;
    keys[k] = (keys[k] >> 32) << 16 | (uint64_t)data->codes[ask->x * data->rows + row] << 8
              | data->codes[ask->y * data->rows + row];
  }
  qsort (keys, data->rows, sizeof *keys, by_key);
}

/* The rows FIRST to LAST - 1 have the same given. */
static void
add_sorted (tally *t, const discover_data *data, const discover_ask *ask, const uint64_t *keys, size_t first,
            size_t last)
{
  const uint32_t x_kinds = data->kinds[ask->x], y_kinds = data->kinds[ask->y];
  double sum = 0;
  memset (t->rows, 0, x_kinds * sizeof *t->rows);
  memset (t->columns, 0, y_kinds * sizeof *t->columns);
  for (size_t i = first; i < last; i++) {
    t->rows[keys[i] >> 8 & 255]++;
    t->columns[keys[i] & 255]++;
  }
  for (size_t i = first, next = first; i < last; i = next) {
    while (next < last && keys[next] == keys[i])
      next++;
    sum += term (t, (double)(next - i), t->rows[keys[i] >> 8 & 255], t->columns[keys[i] & 255], (double)(last - first));
  }
  end_stratum (t, x_kinds, y_kinds, sum, (double)(last - first));
}

static void
count_sorted (tally *t, const discover_data *data, const discover_ask *ask)
{
  uint64_t *keys = keys_of (t);
  make_keys (keys, data, ask);
  for (size_t first = 0, next = 0; first < data->rows; first = next) {
    while (next < data->rows && keys[next] >> 16 == keys[first] >> 16)
      next++;
    add_sorted (t, data, ask, keys, first, next);
  }
}

adze_status
discover_contingency_ask (const discover_tester *tester, const discover_ask *ask, void *scratch, double *p)
{
  const discover_data *data = tester->data;
  tally *t = (tally *)scratch;
  uint64_t cells = (uint64_t)data->kinds[ask->x] * data->kinds[ask->y];
  for (uint32_t i = 0; cells <= CELLS && i < ask->given_count; i++)
    cells *= data->kinds[ask->given[i]];
  t->statistic = t->degrees = 0;
  t->is_g = tester->r->settings.test == DISCOVER_G_SQUARE;
  if (cells <= CELLS)
    count_cells (t, data, ask, (uint32_t)cells);
  else
    count_sorted (t, data, ask);
  *p = t->degrees > 0 ? discover_chi_square_tail (t->statistic, t->degrees) : 1;
  return ADZE_OK;
}
