/* SPDX-License-Identifier: Apache-2.0 */
/* data.h: columns of a table, as values and as numbers. */
#ifndef CAUSAL_ESTIMATE_DATA_H
#define CAUSAL_ESTIMATE_DATA_H

#include <string.h>

#include <adze/sdk.h>

/* Values of a column that is taken value by value. */
enum { EST_LEVELS = 4096 };

/* How many bytes of TEXT are shown, MOST at the most, with no character cut in the middle: reports are UTF-8. For "%.*s". */
static inline int
est_cut (const char *text, size_t most)
{
  size_t size = strnlen (text, most);
  while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
    size--;
  return (int)size;
}

typedef struct est_column {
  const char *name;
  adze_text *levels; /* in order: as numbers where all are, else as bytes */
  uint32_t level_count;
  bool numeric;      /* all cells are numbers */
  uint32_t *codes;   /* of each row: its level. NULL: numbers alone were asked for */
  double *numbers;   /* of each row, where .numeric */
} est_column;

typedef struct est_data {
  const adze_host *host;
  adze_table *table;
  uint32_t rows;
  double *weights; /* NULL: all rows count alike */
  est_column *columns;
  uint32_t count, room;
} est_data;

/* Closed also after a failure. WEIGHT: the column that says how much a row counts; "": none. */
adze_status est_data_open (const adze_host *host, const void *bytes, size_t size, const char *weight, est_data *data);
void est_data_close (est_data *data);

/* Reads a column once; refuses one that is not there and cells that are empty, and, where LEVELS are wanted, one
 * with too many. *INDEX: its number in .columns. */
adze_status est_data_need (est_data *data, const char *name, bool levels, uint32_t *index);

#endif
