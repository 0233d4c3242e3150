/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dataset_parts.h: what the files behind artifact/dataset.h share. Nobody else has a use
 * for it.
 *   dataset.c         a source at work: opening, closing, reading batches
 *   dataset_schema.c  adze.schema/1
 *   dataset_batch.c   adze.batch/1
 *   order.c           which examples, in which order */
#ifndef ADZE_ARTIFACT_DATASET_PARTS_H
#define ADZE_ARTIFACT_DATASET_PARTS_H

#include "artifact/files.h"
#include "artifact/meta.h"
#include "artifact/order.h"

/* What a source says of itself. */
struct adze_schema {
  adze_tensor_meta **columns; /* owned; a text's is of rank 0 */
  adze_column *faces;         /* the same for the outside; points into COLUMNS */
  size_t *sizes;              /* bytes of one example; 0: texts */
  size_t count, capacity;
  bool counted;
  uint64_t examples;
};

/* Where one column of a batch goes. */
typedef struct adze_batch_room {
  void *values; /* tensors, or adze_text each */
  size_t capacity; /* bytes */
  size_t *places;  /* of texts: where in the batch's text each begins; SIZE_MAX: not given yet */
  bool asked;
} adze_batch_room;

struct adze_batch {
  const adze_schema *schema;
  adze_batch_room *rooms;
  adze_buffer text; /* all texts, one behind the other */
  size_t count;     /* examples */
};

/* A source at work. */
struct adze_dataset {
  adze_files files; /* first, for adze.file/1 */
  adze_runtime *runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  adze_source callbacks;
  adze_params *params;
  adze_desk *desk;
  void *instance;
  bool open;
  adze_schema schema;
  adze_order order;
  adze_batch batch;
  uint64_t *examples; /* of the batch */
  size_t examples_capacity;
  /* What the callback in progress may be handed; NULL: not in this one. */
  adze_schema *now_schema;
  adze_batch *now_batch;
};

extern const adze_schema_service adze_schemas;
extern const adze_batch_service adze_batches;

/* Did the source say all that it must? */
ADZE_MUST_CHECK adze_error *adze_schema_finish (adze_schema *schema, const char *source);
void adze_schema_cleanup (adze_schema *schema);

/* Before and after a source reads COUNT examples. */
ADZE_MUST_CHECK adze_error *adze_batch_begin (adze_batch *batch, const adze_schema *schema,
                                              size_t count);
ADZE_MUST_CHECK adze_error *adze_batch_finish (adze_batch *batch, const char *source);
void adze_batch_cleanup (adze_batch *batch);

#endif
