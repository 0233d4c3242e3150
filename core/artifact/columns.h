/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/columns.h: tables of text for people. What a cell says may come from a file that somebody
 * else made, so what would move the cursor or turn the line round is shown by number. */
#ifndef ADZE_ARTIFACT_COLUMNS_H
#define ADZE_ARTIFACT_COLUMNS_H

#include "base/buffer.h"

#define ADZE_COLUMNS_MAX 16

typedef struct adze_columns {
  size_t count;      /* of columns; at most ADZE_COLUMNS_MAX */
  const char *right; /* a letter a column: 'r' for numbers, else anything */
  char **cells;      /* row by row */
  size_t cell_count, capacity;
  bool failed; /* memory did not suffice */
} adze_columns;

void adze_columns_add (adze_columns *columns, const char *cell); /* copied; NULL: an empty one */
/* The rows behind INDENT spaces. A column that is empty but for its head, which is the first row, is
 * left out. */
void adze_columns_write (const adze_columns *columns, size_t indent, adze_buffer *into);
void adze_columns_cleanup (adze_columns *columns);

/* Appends TEXT as a terminal may have it. */
void adze_buffer_safe (adze_buffer *into, const char *text, size_t size);
/* Part of a line: all of what comes of FORMAT is made safe, so that it cannot begin another one. */
ADZE_PRINTF (2, 3) void adze_buffer_safe_format (adze_buffer *into, const char *format, ...);
/* A whole one: the newline is not part of FORMAT. */
ADZE_PRINTF (2, 3) void adze_buffer_safe_line (adze_buffer *into, const char *format, ...);

/* "1234567" as "1,234,567". */
#define ADZE_GROUPED_TEXT 32
const char *adze_grouped (uint64_t number, char text[ADZE_GROUPED_TEXT]);
/* "1.15 MB": three digits, powers of 1000. */
const char *adze_bytes_text (uint64_t bytes, char text[ADZE_GROUPED_TEXT]);

#endif
