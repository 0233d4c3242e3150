/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: results that are known, as benchmarks of architecture search are published: JSON, an object of objects.
 *
 *   { "02012100": { "mean_acc": 89.2, "params": 890666, "test_acc": [89.5, 88.9] }, ... }
 *
 * A key is a genome: each of its characters a choice of the gene that stands there. */
#ifndef NAS_EVOLVE_TABLE_H
#define NAS_EVOLVE_TABLE_H

#include <adze/sdk.h>

#include "genome.h"

/* Rows, at most, and bytes of a field's name. */
enum { NAS_ROWS = 1 << 22, NAS_NAME = 64 };

typedef struct nas_row {
  char key[NAS_GENES];         /* NUL behind the last character, if there is room */
  double numbers[1 + NAS_COSTS]; /* of the fields that were asked for, in their order */
} nas_row;

/* Begins as zeros. */
typedef struct nas_table {
  nas_row *rows; /* by key */
  size_t count, room;
  uint32_t genes;                        /* characters of each key */
  char letters[NAS_GENES][NAS_CHOICES];  /* that stand there, by code */
  uint32_t choices[NAS_GENES];
} nas_table;

/* FIELDS: whose numbers are kept. Closed also after a failure, which names line and column. */
adze_status nas_table_read (const adze_host *host, const char *text, size_t size, const char *const *fields,
                            size_t field_count, nas_table *table);
void nas_table_close (nas_table *table);

/* NULL: the table has no such row. */
const nas_row *nas_table_find (const nas_table *table, const uint8_t genes[NAS_GENES]);
/* Of row number NUMBER. */
void nas_table_genes (const nas_table *table, uint32_t number, uint8_t genes[NAS_GENES]);
/* Are so few genomes rows that drawing them finds hardly any? */
bool nas_table_is_sparse (const nas_table *table);
void nas_table_key (const nas_table *table, const uint8_t genes[NAS_GENES], char key[NAS_GENES + 1]);

#endif
