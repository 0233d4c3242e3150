/* SPDX-License-Identifier: Apache-2.0 */
/* base/buffer.c: text or bytes that grow. */
#include "base/buffer.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Room for MORE bytes and the NUL behind them. Grows by half at least, so that many small appends
 * cost no more than a few copies. */
static bool
reserve (adze_buffer *buffer, size_t more)
{
  if (buffer->failed)
    return false;
  if (buffer->drain && buffer->size >= ADZE_BUFFER_MUCH) {
    buffer->drain (buffer, buffer->context);
    buffer->size = 0;
  }
  if (more < buffer->capacity - buffer->size)
    return true;
  size_t needed = buffer->size + more + 1;
  size_t capacity = buffer->capacity + buffer->capacity / 2;
  if (capacity < needed)
    capacity = needed < 64 ? 64 : needed;
  char *grown = needed > more ? realloc (buffer->data, capacity) : NULL;
  if (!grown) {
    buffer->failed = true;
    return false;
  }
  buffer->data = grown;
  buffer->capacity = capacity;
  return true;
}

void
adze_buffer_add (adze_buffer *buffer, const void *bytes, size_t size)
{
  if (size == 0 || !reserve (buffer, size))
    return;
  memcpy (buffer->data + buffer->size, bytes, size);
  buffer->size += size;
  buffer->data[buffer->size] = '\0';
}

void
adze_buffer_text (adze_buffer *buffer, const char *text)
{
  adze_buffer_add (buffer, text, strlen (text));
}

void
adze_buffer_spaces (adze_buffer *buffer, size_t count)
{
  if (count == 0 || !reserve (buffer, count))
    return;
  memset (buffer->data + buffer->size, ' ', count);
  buffer->size += count;
  buffer->data[buffer->size] = '\0';
}

/* Most texts fit where there is room already, or nearly. */
void
adze_buffer_format (adze_buffer *buffer, const char *format, ...)
{
  enum { GUESS = 40 };
  va_list arguments, again;
  if (!reserve (buffer, GUESS))
    return;
  va_start (arguments, format);
  va_copy (again, arguments);
  size_t room = buffer->capacity - buffer->size;
  int size = vsnprintf (buffer->data + buffer->size, room, format, arguments);
  bool fits = size >= 0 && (size_t)size < room;
  if (size < 0)
    buffer->failed = true;
  else if (!fits && reserve (buffer, (size_t)size))
    fits = vsnprintf (buffer->data + buffer->size, (size_t)size + 1, format, again) == size;
  if (fits)
    buffer->size += (size_t)size;
  else
    buffer->failed = true;
  va_end (again);
  va_end (arguments);
}

adze_error *
adze_buffer_finish (adze_buffer *buffer, char **text)
{
  *text = NULL;
  /* Also gives an empty buffer its NUL. */
  if (!reserve (buffer, 0)) {
    adze_buffer_cleanup (buffer);
    return adze_error_memory ();
  }
  buffer->data[buffer->size] = '\0';
  *text = adze_take (&buffer->data);
  *buffer = (adze_buffer){ 0 };
  return NULL;
}

void
adze_buffer_cleanup (adze_buffer *buffer)
{
  free (buffer->data);
  *buffer = (adze_buffer){ 0 };
}

/* ---- UTF-8. */

/* How many bytes follow a first byte, which bits of it count, and the least code that needs so many;
 * a smaller one was written longer than it had to be, which is not UTF-8. */
static bool
lead (unsigned char byte, size_t *more, uint32_t *code, uint32_t *least)
{
  if (byte >= 0xc2 && byte <= 0xdf) {
    *more = 1, *code = byte & 0x1fu, *least = 0x80;
  } else if (byte >= 0xe0 && byte <= 0xef) {
    *more = 2, *code = byte & 0x0fu, *least = 0x800;
  } else if (byte >= 0xf0 && byte <= 0xf4) {
    *more = 3, *code = byte & 0x07u, *least = 0x10000;
  } else {
    return false;
  }
  return true;
}

size_t
adze_utf8_read (const char *text, size_t size, uint32_t *code)
{
  const unsigned char *bytes = (const unsigned char *)text;
  if (bytes[0] < 0x80) {
    *code = bytes[0];
    return 1;
  }
  *code = ADZE_UTF8_BAD;
  size_t more;
  uint32_t value, least;
  if (!lead (bytes[0], &more, &value, &least) || more >= size)
    return 1;
  for (size_t i = 1; i <= more; i++) {
    if ((bytes[i] & 0xc0u) != 0x80)
      return 1;
    value = value << 6 | (bytes[i] & 0x3fu);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
    return 1;
  *code = value;
  return more + 1;
}

void
adze_buffer_utf8 (adze_buffer *buffer, uint32_t code)
{
  unsigned char bytes[4];
  size_t size = 0;
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    code = 0xfffd;
  if (code < 0x80) {
    bytes[size++] = (unsigned char)code;
  } else if (code < 0x800) {
    bytes[size++] = (unsigned char)(0xc0u | code >> 6);
    bytes[size++] = (unsigned char)(0x80u | (code & 0x3fu));
  } else if (code < 0x10000) {
    bytes[size++] = (unsigned char)(0xe0u | code >> 12);
    bytes[size++] = (unsigned char)(0x80u | (code >> 6 & 0x3fu));
    bytes[size++] = (unsigned char)(0x80u | (code & 0x3fu));
  } else {
    bytes[size++] = (unsigned char)(0xf0u | code >> 18);
    bytes[size++] = (unsigned char)(0x80u | (code >> 12 & 0x3fu));
    bytes[size++] = (unsigned char)(0x80u | (code >> 6 & 0x3fu));
    bytes[size++] = (unsigned char)(0x80u | (code & 0x3fu));
  }
  adze_buffer_add (buffer, bytes, size);
}

/* The letter behind the backslash, for the few that have one. */
static char
escape_letter (uint32_t code)
{
  switch (code) {
  case '\b':
    return 'b';
  case '\t':
    return 't';
  case '\n':
    return 'n';
  case '\f':
    return 'f';
  case '\r':
    return 'r';
  case '"':
    return '"';
  case '\\':
    return '\\';
  default:
    return '\0';
  }
}

/* How many bytes from the first on stand for themselves in a literal. */
static size_t
plain_size (const char *text, size_t size)
{
  size_t at = 0;
  while (at < size && (unsigned char)text[at] >= 0x20 && (unsigned char)text[at] < 0x7f
         && text[at] != '"' && text[at] != '\\')
    at++;
  return at;
}

/* Control characters, and those that turn a line round, spelled out: where the literal is looked at on
 * a terminal they would act on it. */
static bool
spelled_out (uint32_t code)
{
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f
         || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void
adze_buffer_quoted (adze_buffer *buffer, const char *text, size_t size)
{
  adze_buffer_text (buffer, "\"");
  while (size > 0) {
    size_t plain = plain_size (text, size);
    adze_buffer_add (buffer, text, plain);
    text += plain;
    size -= plain;
    if (size == 0)
      break;
    uint32_t code;
    size_t length = adze_utf8_read (text, size, &code);
    char letter = escape_letter (code);
    if (letter)
      adze_buffer_add (buffer, (char[]){ '\\', letter }, 2);
    else if (spelled_out (code))
      adze_buffer_format (buffer, "\\u%04X", (unsigned)code);
    else
      adze_buffer_utf8 (buffer, code);
    text += length;
    size -= length;
  }
  adze_buffer_text (buffer, "\"");
}
