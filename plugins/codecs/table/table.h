/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: what the files of this plugin share.
 *   table.c       parameters, callbacks, nodes, components
 *   table_cell.c  the tables, and how numbers become codes of them */
#ifndef ADZE_PLUGIN_TABLE_H
#define ADZE_PLUGIN_TABLE_H

#include <string.h>

#include <adze/sdk.h>

/* A number is that of its code in the table, times the scale of its cell: a channel, or a group of one's
 * numbers. */
typedef struct table {
  uint32_t bits; /* of a code */
  bool grouped;  /* channels have no scale of their own, and there is no parameter that says so */
  float numbers[16]; /* 2^BITS of them */
  /* A cell; CODES: one byte each. Returns its scale. */
  float (*encode) (const float *values, uint64_t count, uint8_t *codes);
} table;

extern const table table_nf4, table_ternary, table_binary;

#endif
