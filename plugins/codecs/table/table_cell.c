/* SPDX-License-Identifier: Apache-2.0 */
/* table_cell.c: numbers to codes, cell by cell. Sums go from the first number to the last, in float64, so that
 * they are the same however the rows come. */
#include "table.h"

#include <math.h>

/* ---- nf4: what the quantiles of a normal distribution are, when its ends are at -1 and 1 and one of them is
 * zero. */

static float
encode_nf4 (const float *values, uint64_t count, uint8_t *codes)
{
  const float *numbers = table_nf4.numbers;
  float scale = 0, middles[15];
  for (uint64_t i = 0; i < count; i++)
    scale = fabsf (values[i]) > scale ? fabsf (values[i]) : scale;
  for (uint32_t k = 0; k < 15; k++)
    middles[k] = (numbers[k] + numbers[k + 1]) / 2;
  for (uint64_t i = 0; i < count; i++) {
    float number = scale > 0 ? values[i] / scale : 0;
    uint32_t code = 0;
    for (uint32_t k = 0; k < 15; k++)
      code += number > middles[k];
    codes[i] = (uint8_t)code;
  }
  return scale;
}

const table table_nf4 = {
  .bits = 4,
  .grouped = true,
  .numbers = { -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
               -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
               0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f,
               0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f,
               1.0f },
  .encode = encode_nf4,
};

/* ---- Magnitudes above BOUND: their mean; 0: there are none. */

static double
mean_above (const float *values, uint64_t count, double bound)
{
  double sum = 0;
  uint64_t above = 0;
  for (uint64_t i = 0; i < count; i++) {
    double size = fabs ((double)values[i]);
    sum += size > bound ? size : 0;
    above += size > bound;
  }
  return above > 0 ? sum / (double)above : 0;
}

/* ---- ternary: 0, 1 and -1, so that what is left over in a row's last byte is zeros. */

static float
encode_ternary (const float *values, uint64_t count, uint8_t *codes)
{
  double bound = 0.7 * mean_above (values, count, -1);
  for (uint64_t i = 0; i < count; i++)
    codes[i] = (double)values[i] > bound ? 1 : (double)values[i] < -bound ? 2 : 0;
  return (float)mean_above (values, count, bound);
}

const table table_ternary = { .bits = 2, .numbers = { 0, 1, -1, 0 }, .encode = encode_ternary };

/* ---- binary. */

static float
encode_binary (const float *values, uint64_t count, uint8_t *codes)
{
  for (uint64_t i = 0; i < count; i++)
    codes[i] = values[i] >= 0;
  return (float)mean_above (values, count, -1);
}

const table table_binary = { .bits = 1, .numbers = { -1, 1 }, .encode = encode_binary };
