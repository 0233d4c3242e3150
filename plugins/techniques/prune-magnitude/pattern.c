/* SPDX-License-Identifier: Apache-2.0 */
/* prune-magnitude: patterns. */
#include "prune.h"

#include <math.h>
#include <stdio.h>

/* ---- Words. */

enum { M_MOST = 64, BLOCK_MOST = 65536 };

/* Whose parameter it is, as it stands in a message. */
typedef struct prune_speaker {
  const char *before, *tensor, *after;
} prune_speaker;

/* A whole number from 1 on without signs and spaces; *TEXT moves behind it. 0: there is none. */
static uint32_t
read_number (const char **text)
{
  uint32_t value = 0;
  while (**text >= '0' && **text <= '9' && value <= BLOCK_MOST)
    value = value * 10 + (uint32_t)(*(*text)++ - '0');
  return value <= BLOCK_MOST ? value : 0;
}

/* Two of them, with BETWEEN. */
static bool
read_pair (const char *text, char between, uint32_t *first, uint32_t *second)
{
  *first = read_number (&text);
  if (*first == 0 || *text++ != between)
    return false;
  *second = read_number (&text);
  return *second > 0 && *text == '\0';
}

static adze_status
read_block (const adze_host *host, const adze_params *values, const prune_speaker *speaker,
            prune_pattern *pattern)
{
  const char *text = adze_param_string (host, values, "block");
  *pattern = (prune_pattern){ .shape = PRUNE_BLOCKS };
  pattern->squares = strcmp (adze_param_string (host, values, "norm"), "l2") == 0;
  if (read_pair (text, 'x', &pattern->rows, &pattern->columns))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter 'block'%s%s%s is \"%s\"; needed are rows and columns of 1 to %d, such as "
                    "\"4x1\"",
                    speaker->before, speaker->tensor, speaker->after, text, BLOCK_MOST);
}

static adze_status
read_pattern (const adze_host *host, const adze_params *values, const prune_speaker *speaker,
              prune_pattern *pattern)
{
  const char *text = adze_param_string (host, values, "pattern");
  uint32_t first, second;
  *pattern = (prune_pattern){ .shape = PRUNE_WEIGHTS };
  if (strcmp (text, "unstructured") == 0)
    return ADZE_OK;
  if (read_pair (text, ':', &first, &second) && first < second && second <= M_MOST) {
    *pattern = (prune_pattern){ .shape = PRUNE_OF_M, .n = first, .m = second };
    return ADZE_OK;
  }
  if (read_pair (text, 'x', &first, &second))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'pattern'%s%s%s is \"%s\", a block; those are pruned by use = "
                      "\"prune-blocks\" with block = \"%s\"",
                      speaker->before, speaker->tensor, speaker->after, text, text);
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter 'pattern'%s%s%s is \"%s\"; needed is \"unstructured\", or N:M with N "
                    "below M and M up to %d, such as \"2:4\"",
                    speaker->before, speaker->tensor, speaker->after, text, M_MOST);
}

adze_status
prune_pattern_of (const adze_host *host, const adze_params *values, bool blocks, const char *tensor,
                  prune_pattern *pattern)
{
  const prune_speaker speaker = tensor ? (prune_speaker){ " of tensor '", tensor, "'" }
                                       : (prune_speaker){ "", "", "" };
  return blocks ? read_block (host, values, &speaker, pattern)
                : read_pattern (host, values, &speaker, pattern);
}

void
prune_pattern_text (const prune_pattern *pattern, char *text, size_t size)
{
  if (pattern->shape == PRUNE_OF_M)
    snprintf (text, size, "%u:%u", pattern->n, pattern->m);
  else if (pattern->shape == PRUNE_BLOCKS)
    snprintf (text, size, "%ux%u, %s", pattern->rows, pattern->columns,
              pattern->squares ? "L2" : "L1");
  else
    snprintf (text, size, "unstructured");
}

/* ---- Blocks. */

prune_grid
prune_grid_of (const prune_pattern *pattern, const adze_tensor_meta *meta)
{
  prune_grid grid = { .rows = 1, .columns = 1 };
  for (int32_t i = 0; i < meta->rank; i++)
    *(i == 0 && meta->rank > 1 ? &grid.rows : &grid.columns) *= (uint64_t)meta->shape[i];
  if (pattern->shape != PRUNE_BLOCKS)
    return grid;
  grid.down = grid.rows / pattern->rows + (grid.rows % pattern->rows != 0);
  grid.across = grid.columns / pattern->columns + (grid.columns % pattern->columns != 0);
  return grid;
}

/* Adds COUNT numbers of one row to the sums of their blocks; the first lies in column COLUMN of the
 * first block. */
static void
add_numbers (const prune_pattern *pattern, const float *numbers, size_t count, uint64_t column,
             double *sums)
{
  uint64_t block = column / pattern->columns, within = column % pattern->columns;
  for (size_t i = 0; i < count; i++) {
    double number = (double)numbers[i];
    sums[block] += pattern->squares ? number * number : fabs (number);
    if (++within == pattern->columns) {
      within = 0;
      block++;
    }
  }
}

static uint32_t
norm_bits (double sum, double count, bool squares)
{
  float norm = (float)(squares ? sqrt (sum / count) : sum / count);
  return adze_float_bits (norm) & 0x7fffffff;
}

/* Sums in double go through a block row by row, so that they do not depend on how many blocks are asked
 * for. Divided by the number of elements, blocks at an edge, which have fewer, compare with the others. */
void
prune_norms (const prune_pattern *pattern, const prune_grid *grid, const adze_view *view,
             uint64_t down, uint64_t first, size_t count, uint32_t *sizes)
{
  double sums[PRUNE_BLOCK] = { 0 };
  float numbers[PRUNE_BLOCK];
  const char *data = (const char *)adze_view_data (view);
  size_t size = view->dtype.bits / 8;
  uint64_t row = down * pattern->rows, last_row = prune_least (row + pattern->rows, grid->rows);
  uint64_t begin = first * pattern->columns;
  uint64_t end = prune_least (begin + count * (uint64_t)pattern->columns, grid->columns);
  double height = (double)(last_row - row);
  for (; row < last_row; row++)
    for (uint64_t at = begin; at < end; at += PRUNE_BLOCK) {
      size_t length = (size_t)prune_least (PRUNE_BLOCK, end - at);
      adze_floats_read (view->dtype, data + (row * grid->columns + at) * size, length, numbers);
      add_numbers (pattern, numbers, length, at - begin, sums);
    }
  for (size_t i = 0; i < count; i++) {
    uint64_t from = begin + i * (uint64_t)pattern->columns;
    double width = (double)prune_least (pattern->columns, grid->columns - from);
    sizes[i] = norm_bits (sums[i], height * width, pattern->squares);
  }
}

/* ---- N of M. */

uint64_t
prune_of_m_each (const prune_pattern *pattern, uint64_t row)
{
  uint64_t rest = row % pattern->m;
  return row / pattern->m * (pattern->m - pattern->n) + (rest > pattern->n ? rest - pattern->n : 0);
}

/* Of COUNT magnitudes the N largest stay; of equal ones the first go. */
static void
keep_largest (const uint32_t *sizes, size_t count, uint32_t n, bool *stays)
{
  for (size_t i = 0; i < count; i++) {
    size_t larger = 0;
    for (size_t k = 0; k < count; k++)
      larger += k < i ? sizes[k] > sizes[i] : k > i ? sizes[k] >= sizes[i] : 0;
    stays[i] = larger < n;
  }
}

static void
prune_group (const prune_pattern *pattern, adze_dtype dtype, const char *in, char *out, size_t count)
{
  float numbers[M_MOST];
  uint32_t sizes[M_MOST];
  bool stays[M_MOST];
  size_t size = dtype.bits / 8;
  adze_floats_read (dtype, in, count, numbers);
  for (size_t i = 0; i < count; i++)
    sizes[i] = adze_float_bits (numbers[i]) & 0x7fffffff;
  keep_largest (sizes, count, pattern->n, stays);
  memcpy (out, in, count * size);
  for (size_t i = 0; i < count; i++)
    if (!stays[i])
      memset (out + i * size, 0, size);
}

void
prune_of_m (const prune_pattern *pattern, adze_dtype dtype, const void *in, void *out, uint64_t row,
            size_t count)
{
  const char *from = (const char *)in;
  char *to = (char *)out;
  size_t size = dtype.bits / 8;
  for (size_t start = 0; row > 0 && start < count; start += row)
    for (uint64_t at = 0; at < row; at += pattern->m) {
      size_t length = (size_t)prune_least (pattern->m, row - at);
      prune_group (pattern, dtype, from + (start + at) * size, to + (start + at) * size, length);
    }
}
