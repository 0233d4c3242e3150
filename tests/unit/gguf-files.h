/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF files put together byte by byte, by the specification and not by our writer. */
#ifndef TESTS_UNIT_GGUF_FILES_H
#define TESTS_UNIT_GGUF_FILES_H

#include "format-tests.h"

static inline void
put_head (bytes *into, uint32_t version, uint64_t tensors, uint64_t keys)
{
  put (into, "GGUF", 4);
  put_number (into, version, 4);
  put_number (into, tensors, 8);
  put_number (into, keys, 8);
}

static inline void
put_text (bytes *into, const char *text)
{
  put_number (into, strlen (text), 8);
  put (into, text, strlen (text));
}

/* The value follows. */
static inline void
put_key (bytes *into, const char *key, uint32_t type)
{
  put_text (into, key);
  put_number (into, type, 4);
}

static inline void
put_u32 (bytes *into, const char *key, uint32_t value)
{
  put_key (into, key, ADZE_META_U32);
  put_number (into, value, 4);
}

static inline void
put_string (bytes *into, const char *key, const char *text)
{
  put_key (into, key, ADZE_META_STRING);
  put_text (into, text);
}

/* The entries follow. */
static inline void
put_array (bytes *into, const char *key, uint32_t item, uint64_t count)
{
  put_key (into, key, ADZE_META_ARRAY);
  put_number (into, item, 4);
  put_number (into, count, 8);
}

/* DIMS as GGUF has them, fastest first. */
static inline void
put_entry (bytes *into, const char *name, uint32_t rank, const uint64_t *dims, uint32_t type,
           uint64_t offset)
{
  put_text (into, name);
  put_number (into, rank, 4);
  for (uint32_t i = 0; i < rank; i++)
    put_number (into, dims[i], 8);
  put_number (into, type, 4);
  put_number (into, offset, 8);
}

#define DIMS(...) (uint32_t)(sizeof ((uint64_t[]){ __VA_ARGS__ }) / 8), (uint64_t[]){ __VA_ARGS__ }

/* SIZE bytes that are not all the same. */
static inline void
put_weights (bytes *into, size_t size)
{
  for (size_t i = 0; i < size; i++)
    put_number (into, i * 7 + into->size, 1);
}

#endif
