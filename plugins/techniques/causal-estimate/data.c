/* SPDX-License-Identifier: Apache-2.0 */
/* data.c: takes columns out of a table. */
#include "data.h"

#include <stdlib.h>

static void *
room_for (const adze_host *host, size_t count, size_t size)
{
  void *memory = count < SIZE_MAX / size ? host->allocate (host, (count + 1) * size) : NULL;
  if (!memory)
    adze_fail (host, ADZE_E_MEMORY, "no room for %zu rows", count);
  return memory;
}

/* ---- Cells. */

/* What other programs write where there is no value; causal-discover takes the same words so. As a value of its own it
 * would make texts of numbers, and chances of what nobody saw. */
static bool
is_missing (adze_text cell)
{
  static const char *const words[] = { "", "NA", "NaN", "nan", "null" };
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (cell.size == strlen (words[i]) && memcmp (cell.data, words[i], (size_t)cell.size) == 0)
      return true;
  return false;
}

static adze_status
cell_at (const est_data *data, size_t row, size_t column, adze_text *cell)
{
  const adze_table_service *tables = adze_table_of (data->host);
  *cell = tables->cell (data->table, row, column);
  if (!is_missing (*cell))
    return ADZE_OK;
  return adze_fail (data->host, ADZE_E_FORMAT,
                    "its port 'table', line %zu: the column '%s' is empty%s%s%s; drop such rows, fill them in, or call a "
                    "value of that name otherwise",
                    tables->line (data->table, row), tables->name (data->table, column), cell->size > 0 ? ", since \"" : "",
                    cell->size > 0 ? cell->data : "", cell->size > 0 ? "\" is no value" : "");
}

static adze_status
check_cells (const est_data *data, size_t column, bool *numeric)
{
  double number = 0;
  *numeric = true;
  for (size_t row = 0; row < data->rows; row++) {
    adze_text cell;
    adze_status status = cell_at (data, row, column, &cell);
    if (status != ADZE_OK)
      return status;
    *numeric = *numeric && adze_table_number (cell, &number);
  }
  return ADZE_OK;
}

/* ---- Values in order. */

static int
as_bytes (const void *left, const void *right)
{
  const adze_text *l = (const adze_text *)left, *r = (const adze_text *)right;
  const size_t size = l->size < r->size ? (size_t)l->size : (size_t)r->size;
  const int order = memcmp (l->data, r->data, size);
  return order ? order : l->size == r->size ? 0 : l->size < r->size ? -1 : 1;
}

/* "1" and "1.0" are one value. */
static int
as_numbers (const void *left, const void *right)
{
  double l = 0, r = 0;
  adze_table_number (*(const adze_text *)left, &l);
  adze_table_number (*(const adze_text *)right, &r);
  return l == r ? 0 : l < r ? -1 : 1;
}

static adze_status
find_levels (est_data *data, size_t index, est_column *column)
{
  const adze_table_service *tables = adze_table_of (data->host);
  int (*order) (const void *, const void *) = column->numeric ? as_numbers : as_bytes;
  uint32_t count = 0;
  column->levels = (adze_text *)room_for (data->host, data->rows, sizeof *column->levels);
  column->codes = (uint32_t *)room_for (data->host, data->rows, sizeof *column->codes);
  if (!column->levels || !column->codes)
    return ADZE_E_MEMORY;
  for (size_t row = 0; row < data->rows; row++)
    column->levels[row] = tables->cell (data->table, row, index);
  qsort (column->levels, data->rows, sizeof *column->levels, order);
  for (size_t row = 0; row < data->rows; row++)
    if (count == 0 || order (&column->levels[count - 1], &column->levels[row]) != 0)
      column->levels[count++] = column->levels[row];
  column->level_count = count;
  if (count > EST_LEVELS)
    return adze_fail (data->host, ADZE_E_UNSUPPORTED,
                      "the column '%s' has %u values, and %d is the most that is taken value by value; put it into bins",
                      column->name, (unsigned)count, (int)EST_LEVELS);
  for (size_t row = 0; row < data->rows; row++) {
    const adze_text cell = tables->cell (data->table, row, index);
    const adze_text *found
        = (const adze_text *)bsearch (&cell, column->levels, count, sizeof *column->levels, order);
    column->codes[row] = found ? (uint32_t)(found - column->levels) : 0;
  }
  return ADZE_OK;
}

static adze_status
take_numbers (est_data *data, size_t index, est_column *column)
{
  column->numbers = (double *)room_for (data->host, data->rows, sizeof *column->numbers);
  if (!column->numbers)
    return ADZE_E_MEMORY;
  for (size_t row = 0; row < data->rows; row++)
    adze_table_number (adze_table_of (data->host)->cell (data->table, row, index), &column->numbers[row]);
  return ADZE_OK;
}

static adze_status
find_column (const est_data *data, const char *name, size_t *index)
{
  *index = adze_table_find (data->host, data->table, name);
  if (*index != SIZE_MAX)
    return ADZE_OK;
  return adze_fail (data->host, ADZE_E_NOT_FOUND, "its port 'table' has no column '%s'", name);
}

static adze_status
room_for_column (est_data *data)
{
  if (data->count < data->room)
    return ADZE_OK;
  const uint32_t room = data->room ? 2 * data->room : 16;
  est_column *columns = (est_column *)room_for (data->host, room, sizeof *columns);
  if (!columns)
    return ADZE_E_MEMORY;
  if (data->count > 0)
    memcpy (columns, data->columns, data->count * sizeof *columns);
  if (data->columns)
    data->host->release (data->host, data->columns);
  data->columns = columns;
  data->room = room;
  return ADZE_OK;
}

adze_status
est_data_need (est_data *data, const char *name, bool levels, uint32_t *index)
{
  size_t at = 0;
  bool fresh = true;
  for (*index = 0; *index < data->count; ++*index)
    if (strcmp (data->columns[*index].name, name) == 0) {
      fresh = false;
      break;
    }
  adze_status status = fresh ? find_column (data, name, &at) : ADZE_OK;
  if (status == ADZE_OK && fresh)
    status = room_for_column (data);
  if (status != ADZE_OK)
    return status;
  est_column *column = &data->columns[*index];
  if (fresh) {
    memset (column, 0, sizeof *column);
    column->name = adze_table_of (data->host)->name (data->table, at);
    data->count++;
    status = check_cells (data, at, &column->numeric);
    if (status == ADZE_OK && column->numeric)
      status = take_numbers (data, at, column);
  }
  if (status != ADZE_OK || column->codes || (!levels && column->numeric))
    return status;
  status = find_column (data, name, &at);
  return status == ADZE_OK ? find_levels (data, at, column) : status;
}

/* ---- The table. */

static adze_status
read_weights (est_data *data, const char *name)
{
  uint32_t index = 0;
  double sum = 0;
  adze_status status = est_data_need (data, name, false, &index);
  if (status != ADZE_OK)
    return status;
  if (!data->columns[index].numeric)
    return adze_fail (data->host, ADZE_E_FORMAT, "the column '%s' is to be the weight of rows, and is no number", name);
  data->weights = data->columns[index].numbers;
  for (size_t row = 0; row < data->rows; row++) {
    if (data->weights[row] < 0)
      return adze_fail (data->host, ADZE_E_FORMAT, "its port 'table', line %zu: the weight '%s' is below zero",
                        adze_table_of (data->host)->line (data->table, row), name);
    sum += data->weights[row];
  }
  if (sum > 0 && sum - sum == 0)
    return ADZE_OK;
  return adze_fail (data->host, ADZE_E_FORMAT, "the weights in the column '%s' have the sum %g", name, sum);
}

adze_status
est_data_open (const adze_host *host, const void *bytes, size_t size, const char *weight, est_data *data)
{
  const adze_table_service *tables = adze_table_of (host);
  memset (data, 0, sizeof *data);
  data->host = host;
  if (!tables)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_TABLE);
  adze_status status = tables->read (host, "its port 'table'", bytes, size, &data->table);
  if (status != ADZE_OK)
    return status;
  const size_t rows = tables->rows (data->table);
  if (rows == 0 || rows > UINT32_MAX - 1)
    return adze_fail (host, ADZE_E_FORMAT, "its port 'table' has %zu rows; needed is at least one", rows);
  data->rows = (uint32_t)rows;
  return *weight ? read_weights (data, weight) : ADZE_OK;
}

void
est_data_close (est_data *data)
{
  for (uint32_t i = 0; i < data->count; i++) {
    void *blocks[] = { data->columns[i].levels, data->columns[i].codes, data->columns[i].numbers };
    for (int k = 0; k < 3; k++)
      if (blocks[k])
        data->host->release (data->host, blocks[k]);
  }
  if (data->columns)
    data->host->release (data->host, data->columns);
  if (data->table)
    adze_table_of (data->host)->close (data->host, data->table);
}
