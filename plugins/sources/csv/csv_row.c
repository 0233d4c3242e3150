/* SPDX-License-Identifier: Apache-2.0 */
/* csv: from bytes to the cells of one row, as RFC 4180 has it: quotes, doubled quotes, separators
 * and ends of lines inside of quotes. */
#include "csv.h"

#include <inttypes.h>

typedef struct scanner {
  const adze_host *host;
  const csv_dialect *dialect;
  adze_window *window;
  csv_row *row;
} scanner;

static const char *
name_of (const scanner *s)
{
  return adze_files_of (s->host)->name (s->host, s->window->file);
}

static adze_status
add_byte (const scanner *s, int byte)
{
  char one = (char)byte;
  if (byte == 0)
    return adze_fail (s->host, ADZE_E_FORMAT,
                      "%s:%" PRIu64 ": a NUL byte; needed is text in an encoding such as UTF-8 "
                      "(UTF-16 and spreadsheets' own files have to be converted first)",
                      name_of (s), s->row->next_line);
  return adze_bytes_add (s->host, &s->row->text, &one, 1);
}

static adze_status
end_cell (const scanner *s)
{
  size_t end = s->row->text.size;
  if (csv_row_count (s->row) == CSV_CELLS_MAX)
    return adze_fail (s->host, ADZE_E_LIMIT, "%s:%" PRIu64 ": more than %d cells in a row",
                      name_of (s), s->row->line, CSV_CELLS_MAX);
  adze_status status = adze_bytes_add (s->host, &s->row->text, "", 1);
  return status == ADZE_OK ? adze_bytes_add (s->host, &s->row->ends, &end, sizeof end) : status;
}

/* The rest of a quoted cell, its first quote having been read, through its last one. */
static adze_status
read_quoted (const scanner *s)
{
  uint64_t began = s->row->next_line;
  for (;;) {
    int byte = adze_window_next (s->host, s->window);
    if (byte == ADZE_WINDOW_FAILED)
      return s->window->status;
    if (byte == ADZE_WINDOW_END)
      return adze_fail (s->host, ADZE_E_FORMAT,
                        "%s:%" PRIu64 ": a quoted cell begins here and never ends; where quotes "
                        "are plain characters, say quoting = false",
                        name_of (s), began);
    if (byte == '"') {
      if (adze_window_peek (s->host, s->window) != '"')
        return ADZE_OK;
      adze_window_next (s->host, s->window);
    }
    if (byte == '\n')
      s->row->next_line++;
    adze_status status = add_byte (s, byte);
    if (status != ADZE_OK)
      return status;
  }
}

static adze_status
lone_return (const scanner *s)
{
  return adze_fail (s->host, ADZE_E_FORMAT,
                    "%s:%" PRIu64 ": a carriage return in the middle of a line; lines end with LF "
                    "or CRLF, and what stands in a cell is quoted",
                    name_of (s), s->row->next_line);
}

/* Behind a cell, where BYTE follows. *LAST: the row ends here, too. */
static adze_status
after_cell (const scanner *s, int byte, bool *last)
{
  *last = true;
  if (byte == ADZE_WINDOW_FAILED)
    return s->window->status;
  if (byte == '\r' && adze_window_peek (s->host, s->window) == '\n')
    byte = adze_window_next (s->host, s->window);
  if (byte == '\n')
    s->row->next_line++;
  if (byte == '\n' || byte == ADZE_WINDOW_END)
    return end_cell (s);
  if (byte == (unsigned char)s->dialect->separator) {
    *last = false;
    return end_cell (s);
  }
  if (byte == '\r')
    return lone_return (s);
  return adze_fail (s->host, ADZE_E_FORMAT,
                    "%s:%" PRIu64 ": a quoted cell is followed by text; needed is a separator or "
                    "the end of the line (a quote inside of quotes is doubled; where quotes are "
                    "plain characters, say quoting = false)",
                    name_of (s), s->row->next_line);
}

/* A quote in the middle of a cell means itself, as everywhere but in the letter of the RFC. */
static adze_status
read_cell (const scanner *s, bool *last)
{
  int byte = adze_window_next (s->host, s->window);
  adze_status status = ADZE_OK;
  if (s->dialect->quoting && byte == '"') {
    status = read_quoted (s);
    return status == ADZE_OK ? after_cell (s, adze_window_next (s->host, s->window), last) : status;
  }
  while (byte >= 0 && byte != '\n' && byte != '\r'
         && byte != (unsigned char)s->dialect->separator) {
    status = add_byte (s, byte);
    if (status != ADZE_OK)
      return status;
    byte = adze_window_next (s->host, s->window);
  }
  return after_cell (s, byte, last);
}

/* Passes over lines with nothing in them. */
static adze_status
skip_empty_lines (const scanner *s)
{
  for (;;) {
    int byte = adze_window_peek (s->host, s->window);
    if (byte != '\n' && byte != '\r')
      return byte == ADZE_WINDOW_FAILED ? s->window->status : ADZE_OK;
    adze_window_next (s->host, s->window);
    if (byte == '\r' && adze_window_next (s->host, s->window) != '\n')
      return s->window->status == ADZE_OK ? lone_return (s) : s->window->status;
    s->row->next_line++;
  }
}

const char *
csv_row_cell (const csv_row *row, size_t index, size_t *size)
{
  const size_t *ends = (const size_t *)(const void *)row->ends.data;
  size_t first = index == 0 ? 0 : ends[index - 1] + 1;
  *size = ends[index] - first;
  return row->text.data + first;
}

adze_status
csv_row_read (const adze_host *host, const csv_dialect *dialect, adze_window *window, csv_row *row,
              bool *more)
{
  scanner s = { host, dialect, window, row };
  row->text.size = row->ends.size = 0;
  *more = false;
  adze_status status = skip_empty_lines (&s);
  row->line = row->next_line;
  row->at = adze_window_at (window);
  if (status != ADZE_OK || adze_window_peek (host, window) == ADZE_WINDOW_END)
    return status;
  *more = true;
  for (bool last = false; status == ADZE_OK && !last;)
    status = read_cell (&s, &last);
  return status;
}

void
csv_row_release (const adze_host *host, csv_row *row)
{
  adze_bytes_release (host, &row->text);
  adze_bytes_release (host, &row->ends);
}
