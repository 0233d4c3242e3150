/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/table.h: tables of text, CSV as RFC 4180 has it, with a head and commas between cells. */
#ifndef ADZE_ARTIFACT_TABLE_H
#define ADZE_ARTIFACT_TABLE_H

#include <adze/draft/table.h>

#include "base/error.h"

/* Has each row as many cells as the head? PATH is for messages. */
ADZE_MUST_CHECK adze_error *adze_table_check (const char *path, const char *data, size_t size);

/* The cells, too. Columns need names that differ, and all of it is UTF-8. */
ADZE_MUST_CHECK adze_error *adze_table_parse (const char *path, const char *data, size_t size, adze_table **table);
void adze_table_free (adze_table *table);

/* adze.table/1 */
extern const adze_table_service adze_table_services;

#endif
