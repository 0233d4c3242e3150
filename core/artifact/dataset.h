/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dataset.h: a stream of batches from a source.
 *
 * Which examples a dataset has, and in which order an epoch gives them, is a function of the
 * number of examples, its options and the seed alone.
 */
#ifndef ADZE_ARTIFACT_DATASET_H
#define ADZE_ARTIFACT_DATASET_H

#include <adze/draft/source.h>

#include "plugin/manifest/params.h"
#include "plugin/runtime.h"

typedef struct adze_dataset adze_dataset;

/* Host keys of a [data.NAME] table beside `use` and the source's own parameters. */
typedef struct adze_dataset_options {
  bool shuffle;       /* another order each epoch */
  double first, last; /* the part [first, last) of the examples after a shuffle that depends on the
                         seed alone (`part = [0.0, 0.9]`); 0 and 1: all, in their own order */
  uint64_t limit;     /* at most so many, the first ones of the part; 0: all */
  uint64_t seed;      /* the same for datasets whose parts are to fit together */
} adze_dataset_options;

#define ADZE_DATASET_OPTIONS_INIT { false, 0.0, 1.0, 0, 0 }

/* OPTIONS may be NULL. Takes PARAMS over, also when it fails. A dataset belongs to one thread at a
 * time. */
ADZE_MUST_CHECK adze_error *adze_dataset_open (adze_runtime *runtime, const char *source,
                                               adze_params *params,
                                               const adze_dataset_options *options,
                                               adze_dataset **dataset);
void adze_dataset_close (adze_dataset *dataset);

/* Examples of an epoch, and of the source. */
uint64_t adze_dataset_count (const adze_dataset *dataset);
uint64_t adze_dataset_examples (const adze_dataset *dataset);
size_t adze_dataset_columns (const adze_dataset *dataset);
const adze_column *adze_dataset_column (const adze_dataset *dataset, size_t index);
/* Bytes of one example; 0: a text. */
size_t adze_dataset_column_size (const adze_dataset *dataset, size_t index);

/* Numbers of the source's examples in the order of EPOCH, from position FIRST on; FIRST + COUNT is
 * at most adze_dataset_count. */
void adze_dataset_order (const adze_dataset *dataset, uint64_t epoch, uint64_t first,
                         size_t count, uint64_t *examples);

/* The last batch of an epoch may be shorter. */
uint64_t adze_dataset_batches (const adze_dataset *dataset, uint32_t batch_size);

/* Batch number NUMBER of an epoch; columns are valid until the next read. */
ADZE_MUST_CHECK adze_error *adze_dataset_read (adze_dataset *dataset, uint64_t epoch,
                                               uint64_t number, uint32_t batch_size,
                                               size_t *count);
/* Compact tensors of all examples of the batch, or adze_text each for texts. */
const void *adze_dataset_values (const adze_dataset *dataset, size_t column);

#endif
