/* SPDX-License-Identifier: Apache-2.0 */
/* base/buffer.h: text or bytes that grow.
 *
 * A failed allocation is remembered in the buffer, so that twenty appends need one check at the
 * end: adze_buffer_finish.
 */
#ifndef ADZE_BASE_BUFFER_H
#define ADZE_BASE_BUFFER_H

#include "base/error.h"

typedef struct adze_buffer {
  char *data; /* always ends in a NUL that size does not count; NULL while empty */
  size_t size;
  size_t capacity;
  bool failed;
  /* What is in it goes there whenever it is much, and is in it no more: a long text that is to be
   * written need not be in memory. NULL: nothing goes. */
  void (*drain) (struct adze_buffer *buffer, void *context);
  void *context;
} adze_buffer;

/* So much is much. */
#define ADZE_BUFFER_MUCH ((size_t)64 << 10)

void adze_buffer_add (adze_buffer *buffer, const void *bytes, size_t size);
void adze_buffer_text (adze_buffer *buffer, const char *text);
void adze_buffer_spaces (adze_buffer *buffer, size_t count);
ADZE_PRINTF (2, 3) void adze_buffer_format (adze_buffer *buffer, const char *format, ...);

/* Hands the text over to *TEXT, to be freed, and leaves the buffer empty. */
ADZE_MUST_CHECK adze_error *adze_buffer_finish (adze_buffer *buffer, char **text);

/* Reads the first character of SIZE bytes of UTF-8, SIZE being at least 1, and returns how many
 * bytes it takes. What is not UTF-8 is taken byte by byte, each with the code ADZE_UTF8_BAD. */
#define ADZE_UTF8_BAD UINT32_MAX
size_t adze_utf8_read (const char *text, size_t size, uint32_t *code);
/* A code that is no character (ADZE_UTF8_BAD among them) becomes U+FFFD. */
void adze_buffer_utf8 (adze_buffer *buffer, uint32_t code);

/* Appends a string literal, quotes included, that TOML and JSON read alike. Control
 * characters and those that turn a line round are written as \uXXXX. Bytes that are not UTF-8 become
 * U+FFFD. */
void adze_buffer_quoted (adze_buffer *buffer, const char *text, size_t size);

void adze_buffer_cleanup (adze_buffer *buffer);

#endif
