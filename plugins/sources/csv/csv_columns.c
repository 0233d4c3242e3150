/* SPDX-License-Identifier: Apache-2.0 */
/* csv: what the columns of the file are, and which columns the dataset gets from them. */
#define _GNU_SOURCE /* strtod_l */
#include "csv.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

/* How much of a cell a message shows. */
#define SHOWN 40

/* ---- Values. */

static size_t
digits_at (const char *text)
{
  size_t count = 0;
  while (text[count] >= '0' && text[count] <= '9')
    count++;
  return count;
}

/* Of which form is TEXT? A number without fraction and exponent is whole, and one that no 64 bits
 * hold is a text, since as a real number it would become another one in silence. */
static csv_type
form_of (const char *text)
{
  const char *at = text + (*text == '+' || *text == '-');
  if (strcmp (at, "inf") == 0)
    return CSV_REAL;
  size_t whole = digits_at (at), part = 0;
  at += whole;
  bool real = *at == '.';
  if (real)
    at += 1 + (part = digits_at (at + 1));
  if (whole + part == 0)
    return CSV_TEXT;
  if (*at == 'e' || *at == 'E') {
    real = true;
    at += 1 + (at[1] == '+' || at[1] == '-');
    size_t power = digits_at (at);
    if (power == 0)
      return CSV_TEXT;
    at += power;
  }
  return *at ? CSV_TEXT : real ? CSV_REAL : CSV_WHOLE;
}

/* strtod of the C locale, whichever the program has. */
static bool
read_real (const char *text, double *value)
{
  locale_t plain = newlocale (LC_ALL_MASK, "C", (locale_t)0);
  if (plain == (locale_t)0)
    return false;
  *value = strtod_l (text, NULL, plain);
  freelocale (plain);
  return true;
}

static bool
read_whole (const char *text, int64_t *value)
{
  errno = 0;
  *value = strtoll (text, NULL, 10);
  return errno == 0;
}

/* A number without the blanks around it: CELL, or its copy in ROOM when there were some. */
static const char *
trimmed (const char *cell, size_t size, char room[SHOWN * 2])
{
  size_t first = 0;
  while (first < size && (cell[first] == ' ' || cell[first] == '\t'))
    first++;
  size_t last = size;
  while (last > first && (cell[last - 1] == ' ' || cell[last - 1] == '\t'))
    last--;
  if (last == size || last - first >= SHOWN * 2)
    return cell + first;
  memcpy (room, cell + first, last - first);
  room[last - first] = '\0';
  return room;
}

static csv_type
type_of (const char *cell, size_t size)
{
  char room[SHOWN * 2];
  const char *text = trimmed (cell, size, room);
  csv_type type = form_of (text);
  int64_t whole;
  double real;
  if (type == CSV_WHOLE && !read_whole (text, &whole))
    return CSV_TEXT;
  if (type == CSV_REAL && (!read_real (text, &real) || (isinf (real) && !strstr (text, "inf"))))
    return CSV_TEXT;
  return type;
}

/* ---- Lists of words. */

static size_t
list_count (const adze_host *host, const adze_params *list)
{
  return adze_params_of (host)->count (list);
}

static const char *
list_at (const adze_host *host, const adze_params *list, size_t index)
{
  return adze_param_string (host, list, adze_params_of (host)->name_at (list, index));
}

/* The number of WORD in the list; its count when it is not there. */
static size_t
list_find (const adze_host *host, const adze_params *list, const char *word)
{
  size_t count = list_count (host, list);
  for (size_t i = 0; i < count; i++)
    if (strcmp (list_at (host, list, i), word) == 0)
      return i;
  return count;
}

static bool
list_has (const adze_host *host, const adze_params *list, const char *word)
{
  return list_find (host, list, word) < list_count (host, list);
}

/* ---- Names. */

static adze_status
copy_text (const adze_host *host, const char *text, size_t size, char **copy)
{
  *copy = (char *)host->allocate (host, size + 1);
  if (!*copy)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a column's name");
  memcpy (*copy, text, size);
  return ADZE_OK;
}

static adze_status
name_column (const adze_host *host, csv_column *column, const csv_row *row, size_t index,
             bool header)
{
  char number[24];
  snprintf (number, sizeof number, "%zu", index + 1);
  size_t size;
  const char *cell = csv_row_cell (row, index, &size);
  if (header && size > 0)
    return copy_text (host, cell, size, &column->name);
  return copy_text (host, number, strlen (number), &column->name);
}

static csv_column *
find_column (const csv_columns *columns, const char *name)
{
  for (size_t i = 0; i < columns->count; i++)
    if (strcmp (columns->columns[i].name, name) == 0)
      return &columns->columns[i];
  return NULL;
}

/* Finds a column that a parameter names. */
static adze_status
named_column (const adze_host *host, const csv_columns *columns, const char *param,
              const char *name, csv_column **column)
{
  *column = find_column (columns, name);
  if (*column)
    return ADZE_OK;
  char known[512] = "";
  size_t used = 0;
  for (size_t i = 0; i < columns->count && used < sizeof known - 2 * SHOWN; i++)
    used += (size_t)snprintf (known + used, sizeof known - used, "%s'%.*s'", i ? ", " : "", SHOWN,
                              columns->columns[i].name);
  return adze_fail (host, ADZE_E_PARAM, "%s: '%s' names the column '%s', and the file has: %s",
                    columns->path, param, name, known);
}

static adze_status
mark_list (const adze_host *host, csv_columns *columns, const char *param,
           const adze_params *names, size_t member)
{
  for (size_t i = 0; i < list_count (host, names); i++) {
    csv_column *column;
    adze_status status
        = named_column (host, columns, param, list_at (host, names, i), &column);
    if (status != ADZE_OK)
      return status;
    *(bool *)((char *)column + member) = true;
  }
  return ADZE_OK;
}

static adze_status
mark_columns (const adze_host *host, csv_columns *columns)
{
  adze_status status = mark_list (host, columns, "columns", columns->wanted,
                                  offsetof (csv_column, wanted));
  if (status == ADZE_OK)
    status = mark_list (host, columns, "text-columns", columns->texts,
                        offsetof (csv_column, is_text));
  if (status != ADZE_OK)
    return status;
  if (list_count (host, columns->wanted) == 0)
    for (size_t i = 0; i < columns->count; i++)
      columns->columns[i].wanted = true;
  if (columns->label[0] == '\0')
    return ADZE_OK;
  csv_column *label;
  status = named_column (host, columns, "label", columns->label, &label);
  if (status == ADZE_OK)
    label->wanted = label->is_label = true;
  return status;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp ((*(const csv_column *const *)a)->name, (*(const csv_column *const *)b)->name);
}

/* Two columns of one name: which one would `columns` mean? */
static adze_status
check_names (const adze_host *host, const csv_columns *columns, uint64_t line)
{
  const csv_column **sorted
      = (const csv_column **)host->allocate (host, columns->count * sizeof *sorted);
  if (!sorted)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu columns", columns->count);
  for (size_t i = 0; i < columns->count; i++)
    sorted[i] = &columns->columns[i];
  qsort (sorted, columns->count, sizeof *sorted, compare_names);
  adze_status status = ADZE_OK;
  for (size_t i = 1; i < columns->count && status == ADZE_OK; i++)
    if (compare_names (&sorted[i - 1], &sorted[i]) == 0)
      status = adze_fail (host, ADZE_E_FORMAT,
                          "%s:%" PRIu64 ": two columns are named '%.*s'; where the first line is "
                          "data already, say header = false",
                          columns->path, line, SHOWN, sorted[i]->name);
  host->release (host, sorted);
  return status;
}

adze_status
csv_columns_name (const adze_host *host, csv_columns *columns, const csv_row *row, bool header)
{
  size_t count = csv_row_count (row);
  columns->columns
      = (csv_column *)host->allocate (host, count * sizeof *columns->columns);
  if (!columns->columns)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu columns", count);
  columns->count = count;
  for (size_t i = 0; i < count; i++) {
    adze_status status = name_column (host, &columns->columns[i], row, i, header);
    if (status != ADZE_OK)
      return status;
  }
  adze_status status = check_names (host, columns, row->line);
  return status == ADZE_OK ? mark_columns (host, columns) : status;
}

/* ---- Types. */

static adze_status
bad_value (const adze_host *host, const csv_columns *columns, const csv_row *row,
           const csv_column *column, const char *cell, const char *needed)
{
  return adze_fail (host, ADZE_E_FORMAT,
                    "%s:%" PRIu64 ": '%.*s' in the column '%.*s', where %s", columns->path,
                    row->line, SHOWN, cell, SHOWN, column->name, needed);
}

static adze_status
check_class (const adze_host *host, const csv_columns *columns, const csv_row *row,
             const csv_column *column, const char *cell)
{
  if (list_has (host, columns->classes, cell))
    return ADZE_OK;
  return bad_value (host, columns, row, column, cell, "a word of 'classes' is needed");
}

static bool
is_missing (const adze_host *host, const csv_columns *columns, const char *cell)
{
  return list_has (host, columns->missing_words, cell);
}

static void
learn_cell (const adze_host *host, const csv_columns *columns, csv_column *column,
            const csv_row *row, const char *cell, size_t size)
{
  csv_type type = type_of (cell, size);
  if (type == CSV_TEXT && is_missing (host, columns, cell)) {
    if (column->gap == 0)
      column->gap = row->line;
  } else if (type > column->type)
    column->type = type;
}

static adze_status
check_count (const adze_host *host, const csv_columns *columns, const csv_row *row)
{
  size_t count = csv_row_count (row);
  if (count == columns->count)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_FORMAT, "%s:%" PRIu64 ": %zu cell%s, and the first line has %zu%s",
                    columns->path, row->line, count, count == 1 ? "" : "s", columns->count,
                    count == 1 || columns->count == 1
                        ? "; is 'separator' the one that the file uses?"
                        : "");
}

adze_status
csv_columns_learn (const adze_host *host, csv_columns *columns, const csv_row *row)
{
  adze_status status = check_count (host, columns, row);
  bool classes = list_count (host, columns->classes) > 0;
  for (size_t i = 0; status == ADZE_OK && i < columns->count; i++) {
    csv_column *column = &columns->columns[i];
    size_t size;
    const char *cell = csv_row_cell (row, i, &size);
    if (column->is_label && classes)
      status = check_class (host, columns, row, column, cell);
    else if (column->wanted && !column->is_text && column->type != CSV_TEXT)
      learn_cell (host, columns, column, row, cell, size);
  }
  return status;
}

/* What a column is once all its cells were seen. */
static adze_status
settle_column (const adze_host *host, const csv_columns *columns, csv_column *column)
{
  if (column->is_text || column->type == CSV_NOTHING)
    column->type = CSV_TEXT;
  if (column->is_label && list_count (host, columns->classes) > 0)
    column->type = CSV_TEXT; /* the words of the list, be they numbers or not */
  if (column->type == CSV_TEXT || column->gap == 0)
    return ADZE_OK;
  if (!columns->missing_is_nan || column->is_label)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s:%" PRIu64 ": no value in the column '%.*s', whose other values are "
                      "numbers; %s",
                      columns->path, column->gap, SHOWN, column->name,
                      column->is_label ? "a label is needed in every line"
                                       : "missing = \"nan\" makes it not-a-number, and "
                                         "'text-columns' takes the column as texts");
  column->type = CSV_REAL;
  return ADZE_OK;
}

/* ---- Columns of the dataset. */

static bool
is_feature (const csv_columns *columns, const csv_column *column)
{
  return columns->features[0] && !column->is_label && column->type != CSV_TEXT;
}

static csv_output *
add_output (csv_columns *columns, const char *name, csv_type type, size_t first, size_t count)
{
  csv_output *output = &columns->outputs[columns->output_count++];
  *output = (csv_output){ .name = name, .first = first, .count = count, .type = type };
  return output;
}

/* The columns of the file in the order in which they are given: the one of `columns`, else the
 * file's; the label last. Into ORDER, which has room for all. */
static size_t
order_columns (const adze_host *host, const csv_columns *columns, size_t *order)
{
  size_t count = 0, label = columns->count;
  size_t listed = list_count (host, columns->wanted);
  for (size_t i = 0; i < (listed ? listed : columns->count); i++) {
    size_t index = i;
    if (listed)
      index = (size_t)(find_column (columns, list_at (host, columns->wanted, i))
                       - columns->columns);
    if (!columns->columns[index].is_label)
      order[count++] = index;
  }
  for (size_t i = 0; i < columns->count; i++)
    if (columns->columns[i].is_label)
      label = i;
  if (label < columns->count)
    order[count++] = label;
  return count;
}

static adze_status
check_label (const adze_host *host, const csv_columns *columns, const csv_column *label)
{
  if (label->type == CSV_WHOLE || list_count (host, columns->classes) > 0)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "%s: the label '%.*s' is %s; needed are whole numbers, or the list 'classes', "
                    "whose first word stands for 0",
                    columns->path, SHOWN, label->name,
                    label->type == CSV_TEXT ? "text" : "a number with a fraction");
}

/* Features first, then the others, then the label. */
static adze_status
make_outputs (const adze_host *host, csv_columns *columns, const size_t *order, size_t count)
{
  size_t used = 0;
  if (columns->features[0]) {
    for (size_t i = 0; i < count; i++)
      if (is_feature (columns, &columns->columns[order[i]]))
        columns->members[used++] = order[i];
    if (used == 0)
      return adze_fail (host, ADZE_E_PARAM,
                        "%s: 'features' gathers columns of numbers, and there is none",
                        columns->path);
    add_output (columns, columns->features, CSV_REAL, 0, used)->gathered = true;
  }
  for (size_t i = 0; i < count; i++) {
    const csv_column *column = &columns->columns[order[i]];
    if (is_feature (columns, column))
      continue;
    columns->members[used] = order[i];
    csv_output *output = add_output (columns, column->name, column->type, used++, 1);
    output->is_label = column->is_label;
    adze_status status = column->is_label ? check_label (host, columns, column) : ADZE_OK;
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

adze_status
csv_columns_settle (const adze_host *host, csv_columns *columns)
{
  for (size_t i = 0; i < columns->count; i++)
    if (columns->columns[i].wanted) {
      adze_status status = settle_column (host, columns, &columns->columns[i]);
      if (status != ADZE_OK)
        return status;
    }
  size_t most = columns->count + list_count (host, columns->wanted) + 1;
  size_t *order = (size_t *)host->allocate (host, most * sizeof *order);
  columns->members = (size_t *)host->allocate (host, most * sizeof *columns->members);
  columns->outputs = (csv_output *)host->allocate (host, most * sizeof *columns->outputs);
  adze_status status = order && columns->members && columns->outputs
                           ? make_outputs (host, columns, order,
                                           order_columns (host, columns, order))
                           : adze_fail (host, ADZE_E_MEMORY, "no room for %zu columns", most);
  host->release (host, order);
  return status;
}

static adze_dtype
dtype_of (const csv_columns *columns, const csv_output *output)
{
  if (output->is_label || (output->type == CSV_WHOLE && !output->gathered))
    return (adze_dtype){ ADZE_INT, 64, 1 };
  return (adze_dtype){ ADZE_FLOAT, (uint8_t)(columns->single ? 32 : 64), 1 };
}

adze_status
csv_columns_declare (const adze_host *host, const csv_columns *columns, adze_schema *schema)
{
  const adze_schema_service *service = adze_schema_of (host);
  for (size_t i = 0; i < columns->output_count; i++) {
    const csv_output *output = &columns->outputs[i];
    int64_t shape = (int64_t)output->count;
    adze_column column = { .name = output->name };
    if (csv_output_is_text (output))
      column.is_text = 1;
    else {
      column.dtype = dtype_of (columns, output);
      column.rank = output->gathered;
      column.shape = &shape;
    }
    adze_status status = service->column (host, schema, &column);
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

/* ---- Values into a batch. */

static adze_status
put_number (const adze_host *host, const csv_columns *columns, const csv_row *row,
            size_t index, adze_dtype dtype, void *room)
{
  size_t size;
  char spare[SHOWN * 2];
  const char *cell = csv_row_cell (row, index, &size);
  const char *text = trimmed (cell, size, spare);
  csv_type type = type_of (cell, size);
  int64_t whole = 0;
  double real = NAN;
  if (type == CSV_TEXT && !is_missing (host, columns, cell))
    return bad_value (host, columns, row, &columns->columns[index], cell,
                      "numbers stood when the file was opened: it was changed meanwhile");
  if (dtype.code == ADZE_INT) {
    if (type != CSV_WHOLE || !read_whole (text, &whole))
      return bad_value (host, columns, row, &columns->columns[index], cell,
                        "whole numbers stood when the file was opened: it was changed meanwhile");
    memcpy (room, &whole, sizeof whole);
    return ADZE_OK;
  }
  if (type != CSV_TEXT && !read_real (text, &real))
    return adze_fail (host, ADZE_E_MEMORY, "no room to read a number");
  float single = (float)real;
  if (dtype.bits == 32)
    memcpy (room, &single, sizeof single);
  else
    memcpy (room, &real, sizeof real);
  return ADZE_OK;
}

static adze_status
put_output (const adze_host *host, const csv_columns *columns, const csv_row *row,
            adze_batch *batch, size_t number, void *room, size_t index)
{
  const csv_output *output = &columns->outputs[number];
  size_t member = columns->members[output->first], size;
  const char *cell = csv_row_cell (row, member, &size);
  if (csv_output_is_text (output))
    return adze_batch_of (host)->text (host, batch, number, index, (adze_text){ cell, size });
  adze_dtype dtype = dtype_of (columns, output);
  char *at = (char *)room + index * output->count * (dtype.bits / 8);
  adze_status status = ADZE_OK;
  if (output->is_label && list_count (host, columns->classes) > 0) {
    int64_t label = (int64_t)list_find (host, columns->classes, cell);
    memcpy (at, &label, sizeof label);
    return check_class (host, columns, row, &columns->columns[member], cell);
  }
  for (size_t i = 0; status == ADZE_OK && i < output->count; i++, at += dtype.bits / 8)
    status = put_number (host, columns, row, columns->members[output->first + i], dtype, at);
  return status;
}

adze_status
csv_columns_put (const adze_host *host, const csv_columns *columns, const csv_row *row,
                 adze_batch *batch, void *const *rooms, size_t index)
{
  adze_status status = check_count (host, columns, row);
  for (size_t i = 0; status == ADZE_OK && i < columns->output_count; i++)
    status = put_output (host, columns, row, batch, i, rooms[i], index);
  return status;
}

void
csv_columns_release (const adze_host *host, csv_columns *columns)
{
  for (size_t i = 0; i < columns->count; i++)
    host->release (host, columns->columns[i].name);
  host->release (host, columns->columns);
  host->release (host, columns->members);
  host->release (host, columns->outputs);
}
