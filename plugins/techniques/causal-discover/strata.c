/* SPDX-License-Identifier: Apache-2.0 */
/* strata.c: rows that have the same of some columns, one behind the other. What they have is numbered on the way, so that
 * keys stay small however many columns there are. */
#include <stdlib.h>

#include "discover.h"

static int
by_size (const void *left, const void *right)
{
  const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

/* The upper halves become numbers from 0 on; how many there are. */
static uint64_t
number_keys (uint64_t *keys, size_t rows)
{
  uint64_t number = 0;
  qsort (keys, rows, sizeof *keys, by_size);
  for (size_t i = 0, before = 0; i < rows; i++) {
    const size_t upper = (size_t)(keys[i] >> 32);
    number += i > 0 && upper != before;
    before = upper;
    keys[i] = number << 32 | (keys[i] & UINT32_MAX);
  }
  return number + 1;
}

void
discover_sort_rows (const discover_data *data, const uint32_t *nodes, uint32_t node_count, uint64_t *keys)
{
  uint64_t strata = 1;
  for (size_t row = 0; row < data->rows; row++)
    keys[row] = row;
  for (uint32_t i = 0; i < node_count; i++) {
    const uint8_t *codes = data->codes + nodes[i] * data->rows;
    const uint64_t kinds = data->kinds[nodes[i]];
    if (strata * kinds > UINT32_MAX)
      strata = number_keys (keys, data->rows);
    strata *= kinds;
    for (size_t k = 0; k < data->rows; k++) {
      const uint64_t row = keys[k] & UINT32_MAX;
      keys[k] = ((keys[k] >> 32) * kinds + codes[row]) << 32 | row;
    }
  }
  number_keys (keys, data->rows);
}
