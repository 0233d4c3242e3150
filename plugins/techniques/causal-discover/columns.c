/* SPDX-License-Identifier: Apache-2.0 */
/* columns.c: the table as columns, in the order of their names, so that nothing depends on the order that they were
 * written in: numbers, or categories. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

/* ---- Which columns. */

static adze_status
is_chosen (discover_reading *g, size_t column, uint8_t *used, bool *chosen)
{
  const adze_host *host = g->r->host;
  const size_t patterns = discover_text_count (host, g->r->params, "columns");
  *chosen = patterns == 0;
  for (size_t i = 0; i < patterns; i++) {
    const char *pattern = discover_text_at (host, g->r->params, "columns", i);
    bool matches = strcmp (pattern, g->tables->name (g->table, column)) == 0;
    adze_status status
        = matches ? ADZE_OK : adze_match (host, pattern, g->tables->name (g->table, column), &matches);
    if (status != ADZE_OK)
      return adze_fail (host, status, "parameter 'columns': \"%s\" is no pattern", pattern);
    *chosen |= matches;
    used[i] |= matches;
  }
  return ADZE_OK;
}

static adze_status
check_patterns (const discover_reading *g, const uint8_t *used)
{
  for (size_t i = 0; i < discover_text_count (g->r->host, g->r->params, "columns"); i++)
    if (!used[i])
      return adze_fail (g->r->host, ADZE_E_PARAM,
                        "parameter 'columns': the table has no column '%s'; its first is '%s'",
                        discover_text_at (g->r->host, g->r->params, "columns", i), g->tables->name (g->table, 0));
  return ADZE_OK;
}

static adze_status
find_columns (discover_reading *g, uint8_t *used)
{
  discover_run *r = g->r;
  const size_t all = g->tables->columns (g->table);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < all; i++) {
    bool chosen;
    status = is_chosen (g, i, used, &chosen);
    if (status == ADZE_OK && chosen && r->count == DISCOVER_VARIABLES)
      return adze_fail (r->host, ADZE_E_LIMIT,
                        "the table has %zu columns, and a graph of more than %d is not searched; choose some by the "
                        "parameter 'columns'",
                        all, DISCOVER_VARIABLES);
    if (status == ADZE_OK && chosen)
      g->columns[r->count++] = (uint32_t)i;
  }
  if (status == ADZE_OK)
    status = check_patterns (g, used);
  if (status == ADZE_OK && r->count < 2)
    status = adze_fail (r->host, ADZE_E_FORMAT,
                        "there %s %u column%s to look at, and it takes two for one to be a cause of the other",
                        r->count == 1 ? "is" : "are", r->count, r->count == 1 ? "" : "s");
  return status;
}

typedef struct named {
  const char *name;
  uint32_t column;
} named;

static int
by_name (const void *left, const void *right)
{
  return strcmp (((const named *)left)->name, ((const named *)right)->name);
}

static adze_status
copy_names (discover_run *r, const named *sorted)
{
  adze_status status = discover_room (r->host, r->count, sizeof *r->names, "names", &r->names);
  for (uint32_t i = 0; status == ADZE_OK && i < r->count; i++) {
    const size_t size = strlen (sorted[i].name) + 1;
    status = discover_room (r->host, size, 1, "a name", &r->names[i]);
    if (status == ADZE_OK)
      memcpy (r->names[i], sorted[i].name, size);
    if (status == ADZE_OK && i > 0 && strcmp (sorted[i - 1].name, sorted[i].name) == 0)
      status = adze_fail (r->host, ADZE_E_FORMAT, "two columns of the table are called '%s'", sorted[i].name);
  }
  return status;
}

static adze_status
name_columns (discover_reading *g)
{
  discover_run *r = g->r;
  named *sorted = NULL;
  adze_status status = discover_room (r->host, r->count, sizeof *sorted, "names", &sorted);
  if (status != ADZE_OK)
    return status;
  for (uint32_t i = 0; i < r->count; i++)
    sorted[i] = (named){ g->tables->name (g->table, g->columns[i]), g->columns[i] };
  qsort (sorted, r->count, sizeof *sorted, by_name);
  for (uint32_t i = 0; i < r->count; i++)
    g->columns[i] = sorted[i].column;
  status = copy_names (r, sorted);
  r->host->release (r->host, sorted);
  return status;
}

/* ---- Which rows. */

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
find_rows (discover_reading *g)
{
  discover_run *r = g->r;
  const size_t all = g->tables->rows (g->table);
  if (all > UINT32_MAX)
    return adze_fail (r->host, ADZE_E_LIMIT, "the table has %zu rows, and %u is the most", all, UINT32_MAX);
  adze_status status = discover_room (r->host, all, sizeof *g->rows, "the rows of the table", &g->rows);
  for (size_t row = 0; status == ADZE_OK && row < all; row++) {
    uint32_t column = 0;
    while (column < r->count && !is_missing (g->tables->cell (g->table, row, g->columns[column])))
      column++;
    if (column < r->count && !r->settings.drop_row)
      status = adze_fail (r->host, ADZE_E_FORMAT,
                          "the table, line %zu: there is no value in the column '%s'; fill it in, or say missing = "
                          "\"drop-row\" to do without such rows",
                          g->tables->line (g->table, row), r->names[column]);
    else if (column < r->count)
      r->data.dropped++;
    else
      g->rows[r->data.rows++] = row;
  }
  if (status == ADZE_OK && r->data.rows < 5)
    status = adze_fail (r->host, ADZE_E_FORMAT,
                        "the table has %zu row%s%s, of which nothing can be learnt; needed are 5 at the least, and "
                        "hundreds for it to mean something",
                        r->data.rows, r->data.rows == 1 ? "" : "s", r->data.dropped ? " with all values" : "");
  return status;
}

/* ---- Numbers. */

/* Sums of what is as large as a double can be would overflow: all is scaled by the largest first. */
double
discover_standardise (double *column, size_t rows)
{
  double largest = 0, mean = 0, squares = 0;
  for (size_t i = 0; i < rows; i++)
    largest = fabs (column[i]) > largest ? fabs (column[i]) : largest;
  if (largest == 0)
    return 0;
  for (size_t i = 0; i < rows; i++) {
    column[i] /= largest;
    mean += column[i];
  }
  mean /= (double)rows;
  for (size_t i = 0; i < rows; i++) {
    column[i] -= mean;
    squares += column[i] * column[i];
  }
  const double spread = sqrt (squares / (double)rows);
  const bool is_constant = !(spread > 1e-13);
  for (size_t i = 0; i < rows; i++)
    column[i] = is_constant ? 0 : column[i] / spread;
  return is_constant ? 0 : spread * largest;
}

static adze_status
read_number (const discover_reading *g, uint32_t column, size_t row, double *number)
{
  const adze_text cell = g->tables->cell (g->table, g->rows[row], g->columns[column]);
  if (adze_table_number (cell, number))
    return ADZE_OK;
  return adze_fail (g->r->host, ADZE_E_FORMAT,
                    "the table, line %zu: the column '%s' has \"%.*s\" there, and needed is a number; leave the column "
                    "out by the parameter 'columns', or take a test or a score of categories",
                    g->tables->line (g->table, g->rows[row]), g->r->names[column],
                    cell.size > 40 ? 40 : (int)cell.size, cell.data);
}

adze_status
discover_refuse_constant (const discover_run *r, uint32_t column)
{
  return adze_fail (r->host, ADZE_E_FORMAT,
                    "the column '%s' has the same value in all %zu rows, so that nothing depends on it; leave it out "
                    "by the parameter 'columns'",
                    r->names[column], r->data.rows);
}

static adze_status
read_numbers (discover_reading *g)
{
  discover_run *r = g->r;
  discover_data *data = &r->data;
  if (r->settings.method != DISCOVER_PC && data->rows <= r->count)
    return adze_fail (r->host, ADZE_E_FORMAT,
                      "there are %zu rows for %u columns, to which a linear model always fits; needed are more rows than "
                      "columns, many more for it to mean something",
                      data->rows, r->count);
  adze_status status
      = discover_room (r->host, (size_t)r->count * data->rows, sizeof *data->numbers, "the numbers", &data->numbers);
  if (status == ADZE_OK)
    status = discover_room (r->host, r->count, sizeof *data->spread, "spreads", &data->spread);
  for (size_t row = 0; status == ADZE_OK && row < data->rows; row++)
    for (uint32_t i = 0; status == ADZE_OK && i < r->count; i++)
      status = read_number (g, i, row, &data->numbers[i * data->rows + row]);
  for (uint32_t i = 0; status == ADZE_OK && i < r->count; i++) {
    data->spread[i] = discover_standardise (data->numbers + i * data->rows, data->rows);
    if (data->spread[i] == 0)
      status = discover_refuse_constant (r, i);
    else if (r->settings.method == DISCOVER_NOTEARS && !r->settings.standardise
             && !(data->spread[i] < 1e100 && data->spread[i] > 1e-100))
      status = adze_fail (r->host, ADZE_E_FORMAT,
                          "the numbers of the column '%s' are spread by %.3g, whose square is beyond what can be "
                          "computed with; say standardise = true",
                          r->names[i], data->spread[i]);
  }
  return status;
}

/* ---- All of it. */

static adze_status
read_all (discover_reading *g)
{
  discover_run *r = g->r;
  uint8_t *used = NULL;
  adze_status status = discover_room (r->host, g->tables->columns (g->table) < DISCOVER_VARIABLES
                                                   ? g->tables->columns (g->table) : DISCOVER_VARIABLES,
                                      sizeof *g->columns, "the columns of the table", &g->columns);
  if (status == ADZE_OK)
    status = discover_room (r->host, discover_text_count (r->host, r->params, "columns"), 1, "patterns", &used);
  if (status == ADZE_OK)
    status = find_columns (g, used);
  if (status == ADZE_OK)
    status = name_columns (g);
  if (status == ADZE_OK)
    status = find_rows (g);
  r->data.count = r->count;
  if (status == ADZE_OK)
    status = discover_is_discrete (&r->settings) ? discover_read_categories (g) : read_numbers (g);
  r->host->release (r->host, used);
  r->host->release (r->host, g->columns);
  r->host->release (r->host, g->rows);
  return status;
}

adze_status
discover_read_table (discover_run *r)
{
  discover_reading g = { .r = r, .tables = adze_table_of (r->host) };
  const void *bytes = NULL;
  size_t size = 0;
  adze_artifact *given = r->run->input (r->host, r->context, "table");
  if (!g.tables)
    return adze_fail (r->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_TABLE);
  if (!given)
    return adze_fail (r->host, ADZE_E_NOT_FOUND,
                      "nothing is bound to its port 'table', and only test = \"oracle\" can do without");
  adze_status status = r->run->bytes (r->host, given, &bytes, &size);
  if (status == ADZE_OK)
    status = g.tables->read (r->host, "its port 'table'", bytes, size, &g.table);
  if (status == ADZE_OK)
    status = read_all (&g);
  g.tables->close (r->host, g.table);
  return status;
}

void
discover_close_data (const adze_host *host, discover_data *data)
{
  host->release (host, data->numbers);
  host->release (host, data->spread);
  host->release (host, data->codes);
  host->release (host, data->kinds);
  memset (data, 0, sizeof *data);
}
