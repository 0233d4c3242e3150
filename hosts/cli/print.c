/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: how things look on a terminal, and in a file. */
#include "cli/print.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

FILE *adze_cli_out;

/* ---- The terminal. */

static bool
wants_color (int fd, const char *when)
{
  if (when && strcmp (when, "always") == 0)
    return true;
  if (when && strcmp (when, "never") == 0)
    return false;
  const char *no_color = getenv ("NO_COLOR");
  const char *term = getenv ("TERM");
  return isatty (fd) && !(no_color && *no_color) && term && strcmp (term, "dumb") != 0;
}

static size_t
terminal_width (int fd)
{
  struct winsize size;
  uint64_t columns;
  if (!isatty (fd))
    return 0;
  if (ioctl (fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char *text = getenv ("COLUMNS");
  return text && adze_cli_number (text, 1, 10000, &columns) ? columns : 80;
}

adze_cli_printer
adze_cli_printer_open (FILE *stream, const char *when)
{
  int fd = fileno (stream);
  return (adze_cli_printer){ stream, wants_color (fd, when), terminal_width (fd) };
}

/* ---- Text. */

static void
print_bytes (FILE *stream, const char *text, size_t size)
{
  for (const char *end = text + size; text < end;) {
    uint32_t code;
    size_t length = adze_cli_text_read (text, &code);
    if (!adze_cli_text_unsafe (code))
      fwrite (text, 1, length, stream);
    else if (code == ADZE_CLI_BAD || code < 0x100)
      fprintf (stream, "\\x%02x", code == ADZE_CLI_BAD ? (unsigned char)*text : (unsigned)code);
    else
      fprintf (stream, "\\u%04x", (unsigned)code);
    text += length;
  }
}

void
adze_cli_print (const adze_cli_printer *printer, adze_cli_paint paint, const char *text)
{
  static const char *const codes[] = { "", "\033[1m", "\033[31m", "\033[32m", "\033[33m" };
  bool painted = printer->color && paint != ADZE_CLI_PLAIN;
  if (painted)
    fputs (codes[paint], printer->stream);
  print_bytes (printer->stream, text, strlen (text));
  if (painted)
    fputs ("\033[0m", printer->stream);
}

void
adze_cli_print_lines (const adze_cli_printer *printer, const char *prefix, const char *text)
{
  do {
    size_t size = strcspn (text, "\n");
    fputs (prefix, printer->stream);
    print_bytes (printer->stream, text, size);
    fputc ('\n', printer->stream);
    text += size;
    text += *text == '\n';
  } while (*text);
}

static void
print_spaces (FILE *stream, size_t count)
{
  fprintf (stream, "%*s", (int)count, "");
}

void
adze_cli_print_wrapped (const adze_cli_printer *printer, size_t indent, const char *text)
{
  size_t room = printer->width < indent + 20 ? 20 : printer->width - indent;
  size_t column = 0;
  while (*text) {
    size_t size = strcspn (text, " ");
    size_t width = adze_cli_text_width (text, size);
    if (column > 0 && printer->width > 0 && column + 1 + width > room) {
      fputc ('\n', printer->stream);
      print_spaces (printer->stream, indent);
      column = 0;
    } else if (column > 0) {
      fputc (' ', printer->stream);
      column++;
    }
    print_bytes (printer->stream, text, size);
    column += width;
    text += size;
    text += strspn (text, " ");
  }
  fputc ('\n', printer->stream);
}

void
adze_cli_print_json (FILE *stream, const char *text)
{
  if (!text) {
    fputs ("null", stream);
    return;
  }
  fputc ('"', stream);
  while (*text) {
    uint32_t code;
    size_t length = adze_cli_text_read (text, &code);
    if (code == ADZE_CLI_BAD)
      fputs ("\\ufffd", stream);
    else if (code == '"' || code == '\\')
      fprintf (stream, "\\%c", (char)code);
    else if (adze_cli_text_unsafe (code))
      fprintf (stream, "\\u%04x", (unsigned)code);
    else
      fwrite (text, 1, length, stream);
    text += length;
  }
  fputc ('"', stream);
}

/* ---- Tables. */

static bool
table_grow (adze_cli_table *table)
{
  if (table->count < table->capacity)
    return true;
  size_t capacity = table->capacity ? 2 * table->capacity : 64;
  char **cells = reallocarray (table->cells, capacity, sizeof *cells);
  if (!cells)
    return false;
  table->cells = cells;
  table->capacity = capacity;
  return true;
}

void
adze_cli_table_add (adze_cli_table *table, const char *cell)
{
  char *copy = table_grow (table) ? strdup (cell ? cell : "") : NULL;
  if (copy)
    table->cells[table->count++] = copy;
  else
    table->failed = true;
}

void
adze_cli_table_close (adze_cli_table *table)
{
  for (size_t i = 0; i < table->count; i++)
    free (table->cells[i]);
  free (table->cells);
  *table = (adze_cli_table){ 0 };
}

/* The widest cell of a column; 0 for a column that has nothing but its head. */
static size_t
column_width (const adze_cli_table *table, size_t column)
{
  size_t widest = 0, head = 0;
  for (size_t i = column; i < table->count; i += table->columns) {
    size_t width = adze_cli_text_width (table->cells[i], strlen (table->cells[i]));
    if (table->head && i == column)
      head = width;
    else if (width > widest)
      widest = width;
  }
  return widest > 0 && head > widest ? head : widest;
}

static void
print_row (const adze_cli_printer *printer, char *const *row, const size_t *widths, size_t last,
           size_t indent, adze_cli_paint paint)
{
  size_t column = indent;
  size_t pending = indent; /* spaces are held back, so that no line ends in them */
  for (size_t i = 0; i <= last; i++) {
    if (widths[i] == 0)
      continue;
    if (*row[i]) {
      print_spaces (printer->stream, pending);
      pending = 0;
      if (i == last && paint == ADZE_CLI_PLAIN) {
        adze_cli_print_wrapped (printer, column, row[i]);
        return;
      }
      adze_cli_print (printer, paint, row[i]);
    }
    pending += widths[i] + 2 - adze_cli_text_width (row[i], strlen (row[i]));
    column += widths[i] + 2;
  }
  fputc ('\n', printer->stream);
}

bool
adze_cli_table_print (const adze_cli_printer *printer, const adze_cli_table *table, size_t indent)
{
  size_t widths[ADZE_CLI_COLUMNS_MAX], last = 0;
  if (table->failed)
    return false;
  for (size_t i = 0; i < table->columns; i++) {
    widths[i] = column_width (table, i);
    if (widths[i] > 0)
      last = i;
  }
  for (size_t row = 0; row < table->count / table->columns; row++)
    print_row (printer, table->cells + row * table->columns, widths, last, indent,
               table->head && row == 0 ? ADZE_CLI_BOLD : ADZE_CLI_PLAIN);
  return true;
}
