/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/source.h: the kind that data comes from. Tier: draft; the revision must match.
 *
 * A source answers "give me examples number ..."; splitting, shuffling and batching are the host's,
 * so that they are the same for every source and every seed. The order of calls: open, read as
 * often as is wanted, close.
 */
#ifndef ADZE_DRAFT_SOURCE_H
#define ADZE_DRAFT_SOURCE_H

#include <adze/draft/file.h>
#include <adze/draft/model.h>
#include <adze/plugin.h>

ADZE_BEGIN_DECLS

#define ADZE_SOURCE "source"
#define ADZE_SOURCE_REVISION 1

/* In a pipeline, a source's parameters stand among these keys of the host's, so none may have such
 * a name. */
#define ADZE_SOURCE_RESERVED "shuffle|part|limit"

/* One column of a dataset: per example a compact tensor of this type and shape, or a text. */
typedef struct adze_column {
  const char *name;
  uint32_t is_text; /* 0 or 1; texts have neither type nor shape */
  int32_t rank;     /* of one example; 0: a number */
  adze_dtype dtype;
  uint32_t reserved;
  const int64_t *shape;
} adze_column;

#define ADZE_COLUMN_MAX 65536

/* What a source says of itself while it is opened. */
typedef struct adze_schema adze_schema;

#define ADZE_SCHEMA "adze.schema/1"

typedef struct adze_schema_service {
  uint32_t struct_size;
  /* [callback] Copied. Names are unique. */
  adze_status (*column) (const adze_host *host, adze_schema *schema, const adze_column *column);
  /* [callback] How many examples there are. */
  adze_status (*count) (const adze_host *host, adze_schema *schema, uint64_t examples);
} adze_schema_service;

/* Where the examples of one read go. */
typedef struct adze_batch adze_batch;

#define ADZE_BATCH "adze.batch/1"

typedef struct adze_batch_service {
  uint32_t struct_size;
  /* [callback] Room for all examples of COLUMN, one after the other without gaps. */
  void *(*room) (const adze_host *host, adze_batch *batch, size_t column);
  /* [callback] The text of example number INDEX of the batch; copied. */
  adze_status (*text) (const adze_host *host, adze_batch *batch, size_t column, size_t index,
                       adze_text text);
} adze_batch_service;

typedef struct adze_source {
  uint32_t struct_size;
  uint32_t reserved;

  /* Checks the data as far as it must to know columns and count: a malformed line is an error that
   * names file and line, not a missing example. */
  adze_status (*open) (const adze_host *host, const adze_params *params, adze_schema *schema,
                       void **instance);
  void (*close) (const adze_host *host, void *instance);

  /* Gives the examples EXAMPLES[0] to EXAMPLES[COUNT - 1], in this order. */
  adze_status (*read) (const adze_host *host, void *instance, const uint64_t *examples,
                       size_t count, adze_batch *batch);
} adze_source;

static inline const adze_schema_service *
adze_schema_of (const adze_host *host)
{
  return (const adze_schema_service *)host->service (host, ADZE_SCHEMA);
}

static inline const adze_batch_service *
adze_batch_of (const adze_host *host)
{
  return (const adze_batch_service *)host->service (host, ADZE_BATCH);
}

ADZE_END_DECLS

#endif
