/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of sources have in common: tables of what is refused, and values of columns. Comes
 * behind the plugin's sources. */
#ifndef TESTS_UNIT_SOURCE_TESTS_H
#define TESTS_UNIT_SOURCE_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "source-host.h"

/* What cannot be read, and what must be said about it. */
typedef struct refused {
  const char *content;
  size_t size;      /* 0: that of the text */
  const char *settings;
  const char *words; /* "a|b": each must be in the message */
} refused;

static inline void
must_say (const char *words, size_t number)
{
  while (*words) {
    char word[128];
    size_t size = strcspn (words, "|");
    assert_true (size < sizeof word);
    memcpy (word, words, size);
    word[size] = '\0';
    if (!strstr (own.reason, word))
      fail_msg ("case %zu: '%s' is not in this message: %s", number, word, own.reason);
    words += size + (words[size] == '|');
  }
}

static inline void
set_file (const char *param, const void *data, size_t size)
{
  own_end ();
  own.file_count = 0;
  own_file (param, data, size);
}

static inline void
must_refuse (const char *param, const refused *one, size_t number)
{
  /* In a block of exactly its size, for tools that see a step too far. */
  size_t size = one->size ? one->size : strlen (one->content);
  char *exact = checked (malloc (size ? size : 1));
  memcpy (exact, one->content, size);
  set_file (param, exact, size);
  if (own_open (one->settings) == ADZE_OK)
    fail_msg ("case %zu should have been refused: %s", number, one->words);
  must_say (one->words, number);
  own_end ();
  free (exact);
}

static inline void
must_open (const char *param, const void *data, size_t size, const char *settings)
{
  set_file (param, data, size);
  if (own_open (settings) != ADZE_OK)
    fail_msg ("should have been opened: %s", own.reason);
}

static inline void
must_read (const uint64_t *examples, size_t count)
{
  if (own_read (examples, count) != ADZE_OK)
    fail_msg ("should have been read: %s", own.reason);
}

static inline void
column_is (size_t number, const char *name, unsigned code, unsigned bits, int32_t rank)
{
  assert_true (number < own.schema.count);
  const adze_column *face = &own.schema.columns[number].face;
  assert_string_equal (face->name, name);
  assert_int_equal (face->is_text, bits == 0);
  if (bits == 0)
    return;
  assert_int_equal (face->dtype.code, code);
  assert_int_equal (face->dtype.bits, bits);
  assert_int_equal (face->rank, rank);
}

static inline double
f64_at (size_t column, size_t index)
{
  double value;
  memcpy (&value, (char *)own.batch.rooms[column] + index * sizeof value, sizeof value);
  return value;
}

static inline int64_t
i64_at (size_t column, size_t index)
{
  int64_t value;
  memcpy (&value, (char *)own.batch.rooms[column] + index * sizeof value, sizeof value);
  return value;
}

static inline const char *
text_at (size_t column, size_t index)
{
  return own.batch.texts[column][index].data;
}

#endif
