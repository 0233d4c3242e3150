/* SPDX-License-Identifier: Apache-2.0 */
/* Files of safetensors put together byte by byte, by the specification and not by our writer. */
#ifndef TESTS_UNIT_SAFETENSORS_FILES_H
#define TESTS_UNIT_SAFETENSORS_FILES_H

#include "format-tests.h"

/* HEADER as it stands (SIZE bytes), then WEIGHTS bytes. */
static inline bytes
tensors_file (const char *header, size_t size, size_t weights)
{
  bytes file = { 0 };
  put_number (&file, size, 8);
  put (&file, header, size);
  for (size_t i = 0; i < weights; i++)
    put_number (&file, i * 7 + 3, 1);
  return file;
}

static inline void
write_tensors (const char *path, const char *header, size_t weights)
{
  bytes file = tensors_file (header, strlen (header), weights);
  write_bytes (path, &file);
  free (file.data);
}

static inline void
write_text (const char *path, const char *text)
{
  bytes file = { 0 };
  put (&file, text, strlen (text));
  write_bytes (path, &file);
  free (file.data);
}

/* A tensor's entry in a header. */
#define T(name, dtype, shape, begin, end) \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

#endif
