/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/columns.c: tables of text for people. */
#include "artifact/columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Control characters, and those that turn the direction of writing or have no width. */
static bool
unsafe (uint32_t code)
{
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f)
         || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f)
         || code == 0xfeff;
}

/* How many bytes from the first on are printable ASCII. */
static size_t
printable (const char *text, size_t size)
{
  size_t at = 0;
  while (at < size && text[at] >= 0x20 && text[at] < 0x7f)
    at++;
  return at;
}

void
adze_buffer_safe (adze_buffer *into, const char *text, size_t size)
{
  while (size > 0) {
    size_t plain = printable (text, size);
    adze_buffer_add (into, text, plain);
    text += plain;
    size -= plain;
    if (size == 0)
      break;
    uint32_t code;
    size_t length = adze_utf8_read (text, size, &code);
    if (code == ADZE_UTF8_BAD)
      adze_buffer_format (into, "\\x%02x", (unsigned)(unsigned char)text[0]);
    else if (unsafe (code))
      adze_buffer_format (into, "\\u%04x", (unsigned)code);
    else
      adze_buffer_add (into, text, length);
    text += length;
    size -= length;
  }
}

ADZE_PRINTF (2, 0)
static void
safe_vformat (adze_buffer *into, const char *format, va_list arguments)
{
  ADZE_AUTO_FREE char *text = adze_text_vformat (format, arguments);
  if (text)
    adze_buffer_safe (into, text, strlen (text));
  else
    into->failed = true;
}

void
adze_buffer_safe_format (adze_buffer *into, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  safe_vformat (into, format, arguments);
  va_end (arguments);
}

void
adze_buffer_safe_line (adze_buffer *into, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  safe_vformat (into, format, arguments);
  va_end (arguments);
  adze_buffer_text (into, "\n");
}

/* TEXT may be NULL: a cell of nothing. */
static size_t
width_of (const char *text)
{
  size_t width = 0;
  for (; text && *text; text++)
    width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

static bool
make_room (adze_columns *columns)
{
  if (columns->cell_count < columns->capacity)
    return true;
  size_t capacity = columns->capacity ? columns->capacity * 2 : 64;
  char **grown = reallocarray (columns->cells, capacity, sizeof *grown);
  if (!grown)
    return false;
  columns->cells = grown;
  columns->capacity = capacity;
  return true;
}

void
adze_columns_add (adze_columns *columns, const char *cell)
{
  ADZE_AUTO (adze_buffer) safe = { 0 };
  if (cell)
    adze_buffer_safe (&safe, cell, strlen (cell));
  if (safe.failed || !make_room (columns))
    columns->failed = true;
  else
    columns->cells[columns->cell_count++] = adze_take (&safe.data);
}

void
adze_columns_cleanup (adze_columns *columns)
{
  for (size_t i = 0; i < columns->cell_count; i++)
    free (columns->cells[i]);
  free (columns->cells);
  *columns = (adze_columns){ 0 };
}

/* 0 for one that is empty but for its head. */
static size_t
column_width (const adze_columns *columns, size_t column)
{
  size_t widest = 0;
  bool used = false;
  for (size_t i = column; i < columns->cell_count; i += columns->count) {
    size_t width = width_of (columns->cells[i]);
    widest = width > widest ? width : widest;
    used = used || (i >= columns->count && width > 0);
  }
  return used ? widest : 0;
}

static void
write_cell (const char *cell, bool right, size_t width, adze_buffer *into)
{
  size_t own = width_of (cell);
  if (right)
    adze_buffer_spaces (into, width - own);
  if (cell)
    adze_buffer_text (into, cell);
  if (!right)
    adze_buffer_spaces (into, width - own);
}

static void
write_row (const adze_columns *columns, size_t row, const size_t widths[], size_t indent,
           adze_buffer *into)
{
  size_t start = into->size;
  for (size_t i = 0; i < columns->count; i++)
    if (widths[i] > 0) {
      adze_buffer_spaces (into, into->size > start ? 2 : indent);
      write_cell (columns->cells[row + i], columns->right[i] == 'r', widths[i], into);
    }
  while (into->size > start && into->data[into->size - 1] == ' ')
    into->size--;
  adze_buffer_text (into, "\n");
}

void
adze_columns_write (const adze_columns *columns, size_t indent, adze_buffer *into)
{
  size_t widths[ADZE_COLUMNS_MAX];
  if (columns->failed) {
    into->failed = true;
    return;
  }
  for (size_t i = 0; i < columns->count; i++)
    widths[i] = column_width (columns, i);
  for (size_t row = 0; row + columns->count <= columns->cell_count; row += columns->count)
    write_row (columns, row, widths, indent, into);
}

const char *
adze_grouped (uint64_t number, char text[ADZE_GROUPED_TEXT])
{
  char digits[24];
  int length = snprintf (digits, sizeof digits, "%" PRIu64, number);
  char *to = text;
  for (int i = 0; i < length; i++) {
    if (i > 0 && (length - i) % 3 == 0)
      *to++ = ',';
    *to++ = digits[i];
  }
  *to = '\0';
  return text;
}

const char *
adze_bytes_text (uint64_t bytes, char text[ADZE_GROUPED_TEXT])
{
  static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
  size_t unit = 0;
  double value = (double)bytes;
  for (; value >= 999.5 && unit + 1 < ADZE_COUNT_OF (units); unit++)
    value /= 1000;
  int places = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  snprintf (text, ADZE_GROUPED_TEXT, "%.*f %s", places, value, units[unit]);
  return text;
}
