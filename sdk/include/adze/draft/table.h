/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/table.h: tables, as they flow between stages: CSV with a head. Tier: draft.
 *
 * What is bound to a port of type "table" is bytes (adze/draft/run.h), and these are a table once it was read:
 * rows and columns of texts, which may be numbers. To write one there is adze_table_cell_write.
 */
#ifndef ADZE_DRAFT_TABLE_H
#define ADZE_DRAFT_TABLE_H

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <adze/draft/model.h>
#include <adze/draft/records.h>

ADZE_BEGIN_DECLS

#define ADZE_TABLE "adze.table/1"

typedef struct adze_table adze_table;

typedef struct adze_table_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* [callback] Refuses what is no table, naming the line. DATA is copied. Its owner closes it. NAME is for messages:
   * "its port 'table'". */
  adze_status (*read) (const adze_host *host, const char *name, const void *data, size_t size, adze_table **table);
  void (*close) (const adze_host *host, adze_table *table); /* NULL is allowed */

  /* [any] Without the head. */
  size_t (*rows) (const adze_table *table);
  size_t (*columns) (const adze_table *table);
  /* [any] Unquoted, with a NUL behind the last byte; valid until it is closed. */
  const char *(*name) (const adze_table *table, size_t column);
  adze_text (*cell) (const adze_table *table, size_t row, size_t column);
  /* [any] Where a row begins in the text, counted from 1: for messages. */
  size_t (*line) (const adze_table *table, size_t row);
} adze_table_service;

static inline const adze_table_service *
adze_table_of (const adze_host *host)
{
  return (const adze_table_service *)host->service (host, ADZE_TABLE);
}

/* The number of the column of this name; SIZE_MAX: there is none. */
static inline size_t
adze_table_find (const adze_host *host, const adze_table *table, const char *name)
{
  const adze_table_service *service = adze_table_of (host);
  for (size_t i = 0; i < service->columns (table); i++)
    if (strcmp (service->name (table, i), name) == 0)
      return i;
  return SIZE_MAX;
}

/* Is TEXT a number and nothing else? Decimal or with an exponent; no "nan", no "inf", nothing in hexadecimal. */
static inline bool
adze_table_number (adze_text text, double *number)
{
  char *end = NULL;
  if (text.size == 0 || !strchr ("+-.0123456789", text.data[0]) || memchr (text.data, 'x', (size_t)text.size)
      || memchr (text.data, 'X', (size_t)text.size))
    return false;
  *number = strtod (text.data, &end);
  return end == text.data + text.size && isfinite (*number);
}

/* Appends a cell, with a comma in front unless it is the FIRST of its row, and in quotes where it must be. */
static inline adze_status
adze_table_cell_write (const adze_host *host, adze_bytes *bytes, const char *text, bool first)
{
  adze_status status = first ? ADZE_OK : adze_bytes_add (host, bytes, ",", 1);
  if (!strpbrk (text, ",\"\r\n"))
    return status == ADZE_OK ? adze_bytes_add (host, bytes, text, strlen (text)) : status;
  if (status == ADZE_OK)
    status = adze_bytes_add (host, bytes, "\"", 1);
  for (; status == ADZE_OK && *text; text++) {
    if (*text == '"')
      status = adze_bytes_add (host, bytes, "\"", 1);
    if (status == ADZE_OK)
      status = adze_bytes_add (host, bytes, text, 1);
  }
  return status == ADZE_OK ? adze_bytes_add (host, bytes, "\"", 1) : status;
}

ADZE_END_DECLS

#endif
