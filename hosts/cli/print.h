/* SPDX-License-Identifier: Apache-2.0 */
/* cli/print.h: how things look on a terminal, and in a file.
 *
 * Words that come from plugins go through adze_cli_print, which shows control characters by
 * number: a plugin's summary must not be able to repaint the screen. Write errors are not looked
 * for here; adze_cli_main does so once, at the end.
 */
#ifndef ADZE_CLI_PRINT_H
#define ADZE_CLI_PRINT_H

#include <stdio.h>

#include "cli/text.h"

/* Where the command's own words go: standard output, but not the stdout that plugins print to as well
 * when a document is asked for. Set by adze_cli_main. */
extern FILE *adze_cli_out;

typedef struct adze_cli_printer {
  FILE *stream;
  bool color;
  size_t width; /* columns of the terminal; 0: no terminal, so lines are as long as they are */
} adze_cli_printer;

typedef enum adze_cli_paint {
  ADZE_CLI_PLAIN = 0,
  ADZE_CLI_BOLD,
  ADZE_CLI_RED,
  ADZE_CLI_GREEN,
  ADZE_CLI_YELLOW
} adze_cli_paint;

/* WHEN: "always", "never", or "auto" (also NULL): on a terminal that is not dumb, unless NO_COLOR
 * is set and not empty. */
adze_cli_printer adze_cli_printer_open (FILE *stream, const char *when);

void adze_cli_print (const adze_cli_printer *printer, adze_cli_paint paint, const char *text);

/* Each line of TEXT behind PREFIX, and a newline at the end. */
void adze_cli_print_lines (const adze_cli_printer *printer, const char *prefix, const char *text);

/* TEXT in lines that fit, all but the first one behind INDENT spaces; the first one is expected
 * to begin there. Ends in a newline. */
void adze_cli_print_wrapped (const adze_cli_printer *printer, size_t indent, const char *text);

/* A JSON string, quotes included; null for NULL. Bytes that are no UTF-8 become U+FFFD. */
void adze_cli_print_json (FILE *stream, const char *text);

/* ---- Tables. Cells are added row by row and copied; a column that is empty but for its head is
 * left out; the last one is wrapped on a terminal. */

#define ADZE_CLI_COLUMNS_MAX 8

typedef struct adze_cli_table {
  size_t columns; /* at most ADZE_CLI_COLUMNS_MAX */
  bool head; /* the first row names the columns */
  char **cells;
  size_t count;
  size_t capacity;
  bool failed; /* memory did not suffice */
} adze_cli_table;

void adze_cli_table_add (adze_cli_table *table, const char *cell); /* NULL: an empty one */
/* False when memory had not sufficed: nothing is printed. */
bool adze_cli_table_print (const adze_cli_printer *printer, const adze_cli_table *table,
                           size_t indent);
void adze_cli_table_close (adze_cli_table *table);
#define ADZE_CLI_TABLE __attribute__ ((cleanup (adze_cli_table_close))) adze_cli_table

#endif
