/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c: bytes that grow, texts, and how texts stand in JSON. */
#include <stdlib.h>

#include "safetensors.h"

void
safetensors_bytes_free (safetensors_bytes *bytes)
{
  free (bytes->data);
  *bytes = (safetensors_bytes){ 0 };
}

void
safetensors_put (safetensors_bytes *bytes, const void *data, size_t size)
{
  if (bytes->failed || size == 0)
    return;
  if (size > bytes->room - bytes->size) {
    size_t room = bytes->room ? bytes->room * 2 : 4096;
    while (room - bytes->size < size && room <= SIZE_MAX / 2)
      room *= 2;
    char *grown = room - bytes->size >= size ? (char *)realloc (bytes->data, room) : NULL;
    if (!grown) {
      bytes->failed = true;
      return;
    }
    bytes->data = grown;
    bytes->room = room;
  }
  memcpy (bytes->data + bytes->size, data, size);
  bytes->size += size;
}

void
safetensors_put_word (safetensors_bytes *bytes, const char *word)
{
  safetensors_put (bytes, word, strlen (word));
}

void
safetensors_put_format (safetensors_bytes *bytes, const char *format, ...)
{
  char text[256];
  va_list arguments;
  va_start (arguments, format);
  int length = vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  if (length < 0 || (size_t)length >= sizeof text)
    bytes->failed = true;
  else
    safetensors_put (bytes, text, (size_t)length);
}

void
safetensors_put_string (safetensors_bytes *bytes, const char *data, size_t size)
{
  static const char named[] = {
    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'
  };
  safetensors_put (bytes, "\"", 1);
  size_t plain = 0;
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)data[i];
    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    safetensors_put (bytes, data + plain, i - plain);
    plain = i + 1;
    if (named[c])
      safetensors_put_format (bytes, "\\%c", named[c]);
    else
      safetensors_put_format (bytes, "\\u%04x", c);
  }
  safetensors_put (bytes, data + plain, size - plain);
  safetensors_put (bytes, "\"", 1);
}

/* Length of the character at TEXT, 0 when it is none: too long a form, a surrogate, beyond
 * U+10FFFF, cut off. */
static size_t
character (const unsigned char *text, size_t size)
{
  unsigned char c = text[0];
  if (c < 0x80)
    return 1;
  size_t length = c >= 0xc2 && c < 0xe0   ? 2
                  : c >= 0xe0 && c < 0xf0 ? 3
                  : c >= 0xf0 && c < 0xf5 ? 4
                                          : 0;
  if (length == 0 || length > size)
    return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f)
      || (c == 0xf0 && text[1] < 0x90) || (c == 0xf4 && text[1] > 0x8f))
    return 0;
  return length;
}

size_t
safetensors_ascii (const char *data, size_t size)
{
  size_t at = 0;
  for (uint64_t word; size - at >= sizeof word; at += sizeof word) {
    memcpy (&word, data + at, sizeof word);
    if (word & UINT64_C (0x8080808080808080))
      break;
  }
  while (at < size && (unsigned char)data[at] < 0x80)
    at++;
  return at;
}

bool
safetensors_is_utf8 (const char *data, size_t size)
{
  size_t length;
  for (size_t i = safetensors_ascii (data, size); i < size; i += length) {
    length = character ((const unsigned char *)data + i, size - i);
    if (length == 0)
      return false;
  }
  return true;
}

const char *
safetensors_shown (const char *data, uint64_t size, char shown[SAFETENSORS_SHOWN])
{
  size_t length = 0;
  for (; length < size && length < SAFETENSORS_SHOWN - 1; length++) {
    unsigned char c = (unsigned char)data[length];
    shown[length] = c < 0x20 || c == 0x7f || c == '\'' ? '?' : (char)c;
  }
  shown[length] = '\0';
  if (length == size)
    return shown;
  /* Cut in the middle of a character, it would be no text any more. */
  length -= 3;
  while (length > 0 && ((unsigned char)data[length] & 0xc0) == 0x80)
    length--;
  memcpy (shown + length, "...", 4);
  return shown;
}

bool
safetensors_grow (void **items, size_t *room, size_t count, size_t size)
{
  if (count < *room)
    return true;
  size_t wanted = *room ? *room * 2 : 8;
  void *grown = reallocarray (*items, wanted, size);
  if (!grown)
    return false;
  *items = grown;
  *room = wanted;
  return true;
}

bool
safetensors_ends_with (const char *name, const char *end)
{
  size_t length = strlen (name), size = strlen (end);
  return length >= size && strcmp (name + length - size, end) == 0;
}
