/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h: what the three files of this plugin share.
 *   csv.c          parameters and callbacks
 *   csv_row.c      from bytes to the cells of one row
 *   csv_columns.c  what the columns are, and what the dataset's columns are made of */
#ifndef ADZE_PLUGIN_CSV_H
#define ADZE_PLUGIN_CSV_H

#include <adze/sdk.h>

/* How the file is written. */
typedef struct csv_dialect {
  char separator;
  bool quoting;
} csv_dialect;

/* The cells of one row, one behind the other, each ended by a NUL. */
typedef struct csv_row {
  adze_bytes text;
  adze_bytes ends; /* size_t each: where in TEXT the cell's NUL is */
  uint64_t at;     /* where in the file it begins */
  uint64_t line;   /* of the row's first byte, from 1 on */
  uint64_t next_line;
} csv_row;

static inline size_t
csv_row_count (const csv_row *row)
{
  return row->ends.size / sizeof (size_t);
}

const char *csv_row_cell (const csv_row *row, size_t index, size_t *size);

/* The next row of the window; empty lines are passed over. *MORE is false, and the row empty, at
 * its end. */
adze_status csv_row_read (const adze_host *host, const csv_dialect *dialect, adze_window *window,
                          csv_row *row, bool *more);
void csv_row_release (const adze_host *host, csv_row *row);

/* Cells, at most. */
#define CSV_CELLS_MAX ADZE_COLUMN_MAX

/* ---- Columns. */

/* What all cells of a column seen so far could be; each includes those before it. */
typedef enum csv_type { CSV_NOTHING = 0, CSV_WHOLE, CSV_REAL, CSV_TEXT } csv_type;

/* One column of the file. */
typedef struct csv_column {
  char *name;
  csv_type type;
  bool wanted;  /* some column of the dataset is made of it */
  bool is_text; /* it was said to be */
  bool is_label;
  uint64_t gap; /* the first line where it has no value; 0: none */
} csv_column;

/* One column of the dataset: a number, a text, or the numbers of several columns of the file. */
typedef struct csv_output {
  const char *name;
  size_t first, count; /* in csv_columns.members */
  csv_type type;
  bool is_label;
  bool gathered;
} csv_output;

static inline bool
csv_output_is_text (const csv_output *output)
{
  return output->type == CSV_TEXT && !output->is_label;
}

typedef struct csv_columns {
  const char *path; /* for messages */
  csv_column *columns;
  size_t count;
  size_t *members;
  csv_output *outputs;
  size_t output_count;
  /* Parameters. */
  const adze_params *wanted, *texts, *missing_words, *classes;
  const char *label, *features;
  bool missing_is_nan;
  bool single; /* 32 bits for numbers that are not whole */
} csv_columns;

/* Names of the columns: those of ROW, or numbers from 1 on. Marks what was asked for. */
adze_status csv_columns_name (const adze_host *host, csv_columns *columns, const csv_row *row,
                              bool header);
/* Learns from one row; refuses one that has too many or too few cells. */
adze_status csv_columns_learn (const adze_host *host, csv_columns *columns, const csv_row *row);
/* Once all rows were seen: what the dataset's columns are. */
adze_status csv_columns_settle (const adze_host *host, csv_columns *columns);
adze_status csv_columns_declare (const adze_host *host, const csv_columns *columns,
                                 adze_schema *schema);
/* The cells of ROW as example number INDEX. ROOMS: where each output's numbers begin. */
adze_status csv_columns_put (const adze_host *host, const csv_columns *columns,
                             const csv_row *row, adze_batch *batch, void *const *rooms,
                             size_t index);
void csv_columns_release (const adze_host *host, csv_columns *columns);

#endif
