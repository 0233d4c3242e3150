/* SPDX-License-Identifier: Apache-2.0 */
/* columns.h: a table on its way into columns. */
#ifndef DISCOVER_COLUMNS_H
#define DISCOVER_COLUMNS_H

#include "discover.h"

typedef struct discover_reading {
  discover_run *r;
  const adze_table_service *tables;
  adze_table *table;
  uint32_t *columns; /* of the table; those that were chosen, and later of each variable */
  size_t *rows;      /* of the table, of each row that stays */
  size_t room;
} discover_reading;

/* Of all columns of the run, from what is left of the table. */
adze_status discover_read_categories (discover_reading *g);

adze_status discover_refuse_constant (const discover_run *r, uint32_t column);

#endif
