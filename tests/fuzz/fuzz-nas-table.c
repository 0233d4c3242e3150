/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a table of known results: a refusal with a reason, or rows that are found again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/techniques/nas-evolve/table.c"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
push (const adze_host *host, adze_status status, const char *message)
{
  (void)host;
  (void)status;
  if (!message[0])
    abort ();
}

static const void *
service (const adze_host *host, const char *id)
{
  static const adze_error_service error = { .struct_size = sizeof error, .push = push };
  (void)host;
  return strcmp (id, ADZE_ERROR) == 0 ? &error : NULL;
}

/* By its letters each row has a genome that finds it. */
static void
find_again (const nas_table *table, const nas_row *row)
{
  uint8_t genes[NAS_GENES] = { 0 };
  for (uint32_t g = 0; g < table->genes; g++)
    while (table->letters[g][genes[g]] != row->key[g])
      if (++genes[g] >= table->choices[g])
        abort ();
  if (nas_table_find (table, genes) != row)
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const fields[] = { "a", "bb", "c" };
  const adze_host host = { .struct_size = sizeof host, .service = service };
  nas_table table = { .count = 0 };
  char *text = malloc (size ? size : 1); /* of its own size, so that a byte behind it is seen */
  if (!text)
    return 0;
  if (size > 0)
    memcpy (text, data, size);
  if (nas_table_read (&host, text, size, fields, size % 4, &table) == ADZE_OK)
    for (size_t i = 0; i < table.count; i++)
      find_again (&table, &table.rows[i]);
  nas_table_close (&table);
  free (text);
  return 0;
}
