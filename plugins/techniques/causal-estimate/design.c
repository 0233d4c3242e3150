/* SPDX-License-Identifier: Apache-2.0 */
/* design.c: from columns of a table to the matrix of a regression. */
#include <math.h>

#include "effects.h"

/* Numbers of a matrix, at most. */
#define NUMBERS (UINT64_C (1) << 27)

static double *
room (const adze_host *host, uint64_t count)
{
  double *numbers = count < NUMBERS ? (double *)host->allocate (host, ((size_t)count + 1) * sizeof *numbers) : NULL;
  if (!numbers)
    adze_fail (host, ADZE_E_MEMORY, "no room for a matrix of %llu numbers", (unsigned long long)count);
  return numbers;
}

static adze_status
constant (const est_effect *e, const char *name)
{
  return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                    "the column '%s' has the same value in all rows, or differs by too little to be computed with beside how "
                    "large it is: nothing can be told by it; leave it out, or take a number off all of it", name);
}

/* ---- What is adjusted for. */

/* Columns that a column becomes: a number is one, a text one for each value but the first. */
static uint32_t
width_of (const est_column *column)
{
  return column->numeric ? 1 : column->level_count - 1;
}

static adze_status
read_adjust (est_effect *e, est_data *data, const char *const *adjust, uint32_t count, uint32_t *columns)
{
  uint64_t width = 1;
  for (uint32_t i = 0; i < count; i++) {
    adze_status status = est_data_need (data, adjust[i], false, &columns[i]);
    if (status != ADZE_OK)
      return status;
    const est_column *column = &data->columns[columns[i]];
    if (!column->numeric && column->level_count == 1)
      return constant (e, column->name);
    for (uint32_t k = 0; k < width_of (column) && width + k < EST_WIDTH; k++)
      e->names[width + k] = column->name;
    width += width_of (column);
  }
  /* The treatment, and a cause of nothing, come on top. */
  if (width > EST_WIDTH - 2)
    return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                      "what is adjusted for makes %llu columns, and %d is the most; put texts into fewer values",
                      (unsigned long long)width, (int)EST_WIDTH - 2);
  e->names[0] = "";
  e->width = (uint32_t)width;
  e->x = room (e->host, width * data->rows);
  return e->x ? ADZE_OK : ADZE_E_MEMORY;
}

static void
put_column (est_effect *e, const est_column *column, uint32_t at)
{
  for (uint32_t row = 0; row < e->data->rows; row++) {
    double *x = e->x + (size_t)row * e->width + at;
    if (column->numeric)
      *x = column->numbers[row];
    else if (column->codes[row] > 0)
      x[column->codes[row] - 1] = 1;
  }
}

/* To mean zero and scale one, so that a regression does not depend on units. False: it is constant. */
static bool
standardise (double *first, uint32_t stride, uint32_t rows, double *scale)
{
  double mean = 0, most = 0;
  for (uint32_t i = 0; i < rows; i++)
    mean += first[(size_t)i * stride] / rows;
  for (uint32_t i = 0; i < rows; i++)
    most = fmax (most, fabs (first[(size_t)i * stride] - mean));
  if (!(most > 1e-14 * fabs (mean)))
    return false;
  for (uint32_t i = 0; i < rows; i++)
    first[(size_t)i * stride] = (first[(size_t)i * stride] - mean) / most;
  *scale = most;
  return true;
}

static adze_status
fill_matrix (est_effect *e, const uint32_t *columns, uint32_t count)
{
  uint32_t at = 1;
  double scale = 1;
  for (uint32_t row = 0; row < e->data->rows; row++)
    e->x[(size_t)row * e->width] = 1;
  for (uint32_t i = 0; i < count; i++) {
    put_column (e, &e->data->columns[columns[i]], at);
    at += width_of (&e->data->columns[columns[i]]);
  }
  for (uint32_t k = 1; k < e->width; k++)
    if (!standardise (e->x + k, e->width, e->data->rows, &scale))
      return constant (e, e->names[k]);
  return ADZE_OK;
}

/* ---- Treatment and outcome. */

static adze_status
find_level (const est_effect *e, const est_column *column, const char *text, uint32_t *level)
{
  for (*level = 0; *level < column->level_count; ++*level)
    if (strcmp (column->levels[*level].data, text) == 0)
      return ADZE_OK;
  return adze_fail (e->host, ADZE_E_PARAM, "parameter 'contrast': the column '%s' never has the value '%s'",
                    column->name, text);
}

/* Two values: 0 and 1. */
static adze_status
take_two (est_effect *e, const est_column *column, const char *from, const char *to)
{
  uint32_t low = 0, high = 1;
  if (column->level_count != 2)
    return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                      "the treatment '%s' has %u values, and two are needed here; keep the rows of two, or choose "
                      "method = \"ols\" with numbers, or \"plug-in\"",
                      column->name, (unsigned)column->level_count);
  adze_status status = from ? find_level (e, column, from, &low) : ADZE_OK;
  if (status == ADZE_OK && to)
    status = find_level (e, column, to, &high);
  if (status == ADZE_OK && low == high)
    return adze_fail (e->host, ADZE_E_PARAM, "parameter 'contrast' has the same value twice");
  for (uint32_t row = 0; status == ADZE_OK && row < e->data->rows; row++)
    e->t[row] = column->codes[row] == high;
  const char *one = column->levels[high].data, *other = column->levels[low].data;
  snprintf (e->unit, sizeof e->unit, "%.*s = %.*s instead of %.*s", est_cut (column->name, 60), column->name,
            est_cut (one, 50), one, est_cut (other, 50), other);
  return status;
}

static adze_status
take_treatment (est_effect *e, est_data *data, const char *name, const char *from, const char *to)
{
  uint32_t index = 0;
  /* Numbers are taken as they are by regression, unless two of them are to be compared. */
  adze_status status = est_data_need (data, name, e->way != EST_OLS || from, &index);
  if (status != ADZE_OK)
    return status;
  const est_column *column = &data->columns[index];
  e->scale = 1;
  if (e->way != EST_OLS || from || !column->numeric)
    return take_two (e, column, from, to);
  memcpy (e->t, column->numbers, data->rows * sizeof *e->t);
  snprintf (e->unit, sizeof e->unit, "one more of %.*s", est_cut (column->name, 100), column->name);
  return standardise (e->t, 1, data->rows, &e->scale) ? ADZE_OK : constant (e, name);
}

/* No effect depends on where an outcome begins, and its digits are needed for what differs: it is taken around its mean. */
static void
centre (double *y, uint32_t rows)
{
  double mean = 0;
  for (uint32_t row = 0; row < rows; row++)
    mean += y[row] / rows;
  for (uint32_t row = 0; row < rows; row++)
    y[row] -= mean;
}

/* Two texts are no and yes, in their order. */
static adze_status
take_outcome (est_effect *e, est_data *data, const char *name)
{
  uint32_t index = 0;
  adze_status status = est_data_need (data, name, false, &index);
  if (status != ADZE_OK)
    return status;
  const est_column *column = &data->columns[index];
  if (!column->numeric && column->level_count > 2)
    return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                      "the outcome '%s' has %u values that are no numbers; choose method = \"plug-in\"", name,
                      (unsigned)column->level_count);
  bool differs = false;
  for (uint32_t row = 0; row < data->rows; row++) {
    e->y[row] = column->numeric ? column->numbers[row] : column->codes[row];
    differs = differs || e->y[row] != e->y[0];
  }
  if (!differs)
    return constant (e, name);
  centre (e->y, data->rows);
  return ADZE_OK;
}

adze_status
est_effect_open (const adze_host *host, est_data *data, est_way way, const char *treatment, const char *outcome,
                 const char *const *adjust, uint32_t adjust_count, const char *from, const char *to, est_effect *effect)
{
  memset (effect, 0, sizeof *effect);
  effect->host = host;
  effect->data = data;
  effect->way = way;
  effect->t = room (host, data->rows);
  effect->y = room (host, data->rows);
  uint32_t *columns = (uint32_t *)host->allocate (host, (adjust_count + 1) * sizeof *columns);
  adze_status status = effect->t && effect->y && columns
                           ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for %u columns", (unsigned)adjust_count);
  if (status == ADZE_OK)
    status = take_treatment (effect, data, treatment, from, to);
  if (status == ADZE_OK)
    status = take_outcome (effect, data, outcome);
  if (status == ADZE_OK)
    status = read_adjust (effect, data, adjust, adjust_count, columns);
  if (status == ADZE_OK)
    status = fill_matrix (effect, columns, adjust_count);
  if (columns)
    host->release (host, columns);
  return status;
}

void
est_effect_close (est_effect *effect)
{
  double *blocks[] = { effect->x, effect->t, effect->y };
  for (int i = 0; i < 3; i++)
    if (blocks[i])
      effect->host->release (effect->host, blocks[i]);
}
