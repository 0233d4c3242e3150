/* SPDX-License-Identifier: Apache-2.0 */
/* imatrix.c: opens an importance matrix, and reads the older form: a count; for each tensor its name, how often it
 * was used, and sums of squares; and at the end how much data that was, and its name. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "imatrix_file.h"

enum { NAME_MOST = 1023 };

/* ---- Bytes. */

adze_status
imatrix_malformed (const imatrix_file *file, size_t position, const char *format, ...)
{
  char text[512];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  return adze_fail (file->host, ADZE_E_FORMAT, "the importance matrix %s: at byte %zu: %s", file->name, position, text);
}

adze_status
imatrix_skip (imatrix_file *file, uint64_t size, const char *what)
{
  if (size > file->size - file->at)
    return imatrix_malformed (file, file->at, "%s is cut off: needed are %llu bytes, and there are %zu", what,
                              (unsigned long long)size, file->size - file->at);
  file->at += (size_t)size;
  return ADZE_OK;
}

static uint64_t
little (const unsigned char *bytes, size_t size)
{
  uint64_t number = 0;
  for (size_t i = size; i-- > 0;)
    number = number << 8 | bytes[i];
  return number;
}

adze_status
imatrix_u32 (imatrix_file *file, const char *what, uint32_t *number)
{
  adze_status status = imatrix_skip (file, 4, what);
  if (status == ADZE_OK)
    *number = (uint32_t)little (file->bytes + file->at - 4, 4);
  return status;
}

adze_status
imatrix_u64 (imatrix_file *file, const char *what, uint64_t *number)
{
  adze_status status = imatrix_skip (file, 8, what);
  if (status == ADZE_OK)
    *number = little (file->bytes + file->at - 8, 8);
  return status;
}

void
imatrix_text (const imatrix_file *file, uint64_t size, char *text, size_t room)
{
  const char *from = (const char *)file->bytes + file->at - size;
  size_t length = strnlen (from, (size_t)size);
  if (length > room - 1)
    length = room - 1;
  memcpy (text, from, length);
  text[length] = '\0';
}

/* ---- Values. */

static adze_status
fill (const imatrix_file *file, const imatrix_sums *sums, float *values)
{
  memcpy (values, file->bytes + sums->position, (size_t)sums->count * sizeof *values);
  for (uint64_t i = 0; i < sums->count; i++) {
    float divisor = sums->divisors ? sums->divisors[i / sums->each] : sums->divisor;
    if (divisor > 0)
      values[i] /= divisor;
    else if (sums->divisors) /* it was never used: all its columns count the same */
      values[i] = 1;
    if (!(values[i] >= 0) || !isfinite (values[i]))
      return imatrix_malformed (file, sums->position + (size_t)i * sizeof *values,
                                "value %llu of '%.200s' is %g; needed is a mean of squares",
                                (unsigned long long)i, sums->name, (double)values[i]);
  }
  return ADZE_OK;
}

adze_status
imatrix_add (const imatrix_file *file, const imatrix_sums *sums)
{
  imatrix_entry entry = { .count = sums->count };
  entry.values = (float *)malloc ((size_t)sums->count * sizeof *entry.values + 1);
  if (!entry.values)
    return adze_fail (file->host, ADZE_E_MEMORY, "no room for the importance of '%.200s'", sums->name);
  adze_status status = fill (file, sums, entry.values);
  if (status == ADZE_OK)
    status = adze_entries_add (file->host, &file->matrix->entries, &entry, sizeof entry, sums->name);
  if (status != ADZE_OK)
    free (entry.values);
  return status;
}

/* ---- The older form. */

static adze_status
read_name (imatrix_file *file, uint32_t number, char name[NAME_MOST + 1])
{
  uint32_t size = 0;
  size_t position = file->at;
  adze_status status = imatrix_u32 (file, "the length of a name", &size);
  if (status == ADZE_OK && (size == 0 || size > NAME_MOST))
    return imatrix_malformed (file, position, "the name of entry %u has %u bytes; 1 to %d are needed", number + 1,
                              size, NAME_MOST);
  if (status == ADZE_OK)
    status = imatrix_skip (file, size, "the name of a tensor");
  if (status == ADZE_OK)
    imatrix_text (file, size, name, NAME_MOST + 1);
  return status;
}

static adze_status
read_entry (imatrix_file *file, uint32_t number)
{
  char name[NAME_MOST + 1];
  uint32_t calls = 0, count = 0;
  adze_status status = read_name (file, number, name);
  if (status == ADZE_OK)
    status = imatrix_u32 (file, "how often a tensor was used", &calls);
  size_t position = file->at;
  if (status == ADZE_OK)
    status = imatrix_u32 (file, "how many values there are", &count);
  if (status == ADZE_OK && (count == 0 || count > INT32_MAX))
    return imatrix_malformed (file, position, "'%.200s' has %u values", name, count);
  imatrix_sums sums = { .name = name, .position = file->at, .count = count };
  sums.divisor = calls <= INT32_MAX ? (float)calls : 0;
  if (status == ADZE_OK)
    status = imatrix_skip (file, (uint64_t)count * sizeof (float), "the values of a tensor");
  return status == ADZE_OK ? imatrix_add (file, &sums) : status;
}

/* Files of before 2024 end without it, or with the count alone. */
static adze_status
read_end (imatrix_file *file)
{
  uint32_t chunks = 0, size = 0;
  adze_status status = ADZE_OK;
  if (file->at < file->size)
    status = imatrix_u32 (file, "how many chunks there were", &chunks);
  if (status == ADZE_OK && file->at < file->size)
    status = imatrix_u32 (file, "the length of the data's name", &size);
  if (status == ADZE_OK)
    status = imatrix_skip (file, size, "the name of the data");
  if (status != ADZE_OK)
    return status;
  imatrix_text (file, size, file->matrix->data, sizeof file->matrix->data);
  file->matrix->chunks = chunks <= INT32_MAX ? chunks : 0;
  return ADZE_OK;
}

static adze_status
read_old (imatrix_file *file)
{
  uint32_t count = 0;
  adze_status status = imatrix_u32 (file, "the number of entries", &count);
  if (status == ADZE_OK && (count == 0 || count > file->size / 13))
    return imatrix_malformed (file, 0,
                              "neither the letters GGUF stand there nor a number of entries that %zu bytes can "
                              "hold, but %u; needed is a file that llama-imatrix wrote",
                              file->size, count);
  for (uint32_t i = 0; i < count && status == ADZE_OK; i++)
    status = read_entry (file, i);
  return status == ADZE_OK ? read_end (file) : status;
}

/* ---- Both. */

static adze_status
check_names (const imatrix_file *file)
{
  const adze_entries *entries = &file->matrix->entries;
  if (entries->count == 0)
    return adze_fail (file->host, ADZE_E_FORMAT,
                      "the importance matrix %s has nothing of any tensor; needed is a file that llama-imatrix wrote",
                      file->name);
  for (size_t i = 1; i < entries->count; i++)
    if (strcmp (entries->places[i - 1].name, entries->places[i].name) == 0)
      return adze_fail (file->host, ADZE_E_FORMAT, "the importance matrix %s has '%.200s' twice", file->name,
                        entries->places[i].name);
  return ADZE_OK;
}

static adze_status
read_all (const adze_host *host, const char *path, FILE *stream, unsigned char **bytes, size_t *size)
{
  long end = fseek (stream, 0, SEEK_END) == 0 ? ftell (stream) : -1;
  if (end < 0 || fseek (stream, 0, SEEK_SET) != 0)
    return adze_fail (host, ADZE_E_IO, "cannot read %s: %s", path, strerror (errno));
  *size = (size_t)end;
  *bytes = (unsigned char *)malloc (*size + 1);
  if (!*bytes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the %zu bytes of %s", *size, path);
  if (fread (*bytes, 1, *size, stream) != *size)
    return adze_fail (host, ADZE_E_IO, "cannot read all of %s; has it become shorter?", path);
  return ADZE_OK;
}

adze_status
imatrix_open (const adze_host *host, const char *path, imatrix *matrix)
{
  unsigned char *bytes = NULL;
  imatrix_file file = { .host = host, .matrix = matrix, .name = path };
  FILE *stream = fopen (path, "rb");
  if (!stream)
    return adze_fail (host, ADZE_E_IO, "cannot open %s: %s", path, strerror (errno));
  adze_status status = read_all (host, path, stream, &bytes, &file.size);
  fclose (stream);
  file.bytes = bytes;
  if (status == ADZE_OK)
    status = file.size >= 4 && memcmp (bytes, "GGUF", 4) == 0 ? imatrix_read_gguf (&file) : read_old (&file);
  if (status == ADZE_OK)
    status = adze_entries_sort (host, &matrix->entries);
  if (status == ADZE_OK)
    status = check_names (&file);
  free (bytes);
  return status;
}

void
imatrix_close (const adze_host *host, imatrix *matrix)
{
  for (size_t i = 0; i < matrix->entries.count; i++)
    free (((imatrix_entry *)adze_entries_at (&matrix->entries, i))->values);
  adze_entries_end (host, &matrix->entries);
}
