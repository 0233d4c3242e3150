/* SPDX-License-Identifier: Apache-2.0 */
/* stage/run_hooks.h: what adze.run/1 asks for, as core/run answers it. Strings and memory as
 * adze/draft/run.h says. ARTIFACT is a number from 0 that `input` handed out. */
#ifndef ADZE_STAGE_RUN_HOOKS_H
#define ADZE_STAGE_RUN_HOOKS_H

#include "artifact/artifact.h"
#include "stage/instance.h"

struct adze_networks;

/* What a worker needs to know to compute with networks as this process would. */
typedef struct adze_run_compute {
  adze_runtime *runtime; /* whose plugins it takes into use */
  const char *stage, *backend;
  uint32_t delegation;   /* adze_delegation */
  bool rehearses;
} adze_run_compute;

struct adze_run_hooks {
  /* *ARTIFACT stays NULL when nothing is bound. Belongs to the run. */
  adze_error *(*input) (void *context, const char *port, struct adze_artifact **artifact);
  adze_error *(*give_tensor) (void *context, const char *port, const adze_tensor_meta *meta,
                              const void *data);
  adze_error *(*give_bytes) (void *context, const char *port, const void *data, size_t size);
  adze_error *(*save) (void *context, const char *name, const void *data, size_t size);
  /* *DATA is to be freed; NULL: there is none. */
  adze_error *(*load) (void *context, const char *name, void **data, size_t *size);
  bool (*progress) (void *context, uint64_t done, uint64_t total);
  /* NULL, both: nothing is computed with. *NETWORKS belongs to the run. */
  adze_error *(*networks) (void *context, struct adze_networks **networks);
  adze_error *(*give_part) (void *context, const char *port, const char *id, const void *data,
                            size_t size);
  adze_error *(*claim) (void *context, const char *port, const char *tensor, const char *id,
                        const adze_value *trait);
  /* For `networks` in a worker. */
  adze_error *(*compute) (void *context, adze_run_compute *compute);
  bool rehearses; /* nothing is computed, so jobs are done by nobody else */
};

#endif
