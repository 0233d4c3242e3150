/* SPDX-License-Identifier: Apache-2.0 */
/* stage/wire.h: what crosses between a host and its worker: tensors and their metas, texts of any
 * bytes, parameters. Neither side believes the other: what is read back is checked as a stranger's. */
#ifndef ADZE_STAGE_WIRE_H
#define ADZE_STAGE_WIRE_H

#include "base/json.h"
#include "plugin/manifest/params.h"
#include "stage/piece.h"

/* ---- Numbers and texts. */

/* Is there an integer under KEY, from 0 to MOST? */
bool adze_wire_number (const adze_value *table, const char *key, uint64_t most, uint64_t *number);
bool adze_wire_truth (const adze_value *table, const char *key);

/* Bytes that JSON has no way to write (no UTF-8, or a NUL) cross as {"hex": ...}. */
void adze_wire_text (adze_value *into, const char *key, const char *data, size_t size);
/* *TEXT is to be freed, and has a NUL behind its SIZE bytes. */
ADZE_MUST_CHECK adze_error *adze_wire_text_from (const adze_value *value, char **text,
                                                 size_t *size);

/* "WHAT from the other process is damaged" */
ADZE_MUST_CHECK adze_error *adze_wire_damaged (const char *what);

/* ---- Tensors. */

/* Adds name, type, shape, blocks and byte size to TABLE. */
void adze_wire_meta (const adze_tensor_meta *meta, adze_value *table);
/* *META is to be freed. */
ADZE_MUST_CHECK adze_error *adze_wire_meta_from (const adze_value *table, adze_tensor_meta **meta);

/* The same for a piece of one. */
void adze_wire_describe (const adze_tensor *tensor, adze_value *table);

/* A tensor that was described. */
typedef struct adze_arrival {
  adze_tensor tensor;
  char *name;
  int64_t *shape; /* and that of its blocks */
  void *memory;   /* where adze_wire_allocate made room for the data */
} adze_arrival;
/* Without data. */
ADZE_MUST_CHECK adze_error *adze_wire_arrive (const adze_value *table, adze_arrival *arrival);
/* Zeroed room for its data, aligned to 64. */
ADZE_MUST_CHECK adze_error *adze_wire_allocate (adze_arrival *arrival);
void adze_arrival_cleanup (adze_arrival *arrival);

/* The data of a tensor without gaps: *DATA is the tensor's own, or *OWNED, which is to be freed. */
ADZE_MUST_CHECK adze_error *adze_wire_compact (const adze_tensor *tensor, const void **data,
                                               void **owned);

/* ---- Parameters that were bound. wire_params.c */

void adze_wire_params (const adze_params *params, adze_value *into, const char *key);
ADZE_MUST_CHECK adze_error *adze_wire_params_from (const adze_value *list, adze_params **params);

#endif
