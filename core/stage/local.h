/* SPDX-License-Identifier: Apache-2.0 */
/* stage/local.h: a technique at work in this process. */
#ifndef ADZE_STAGE_LOCAL_H
#define ADZE_STAGE_LOCAL_H

#include "stage/instance.h"

typedef struct adze_local adze_local;

typedef struct adze_local_options {
  const char *stage;    /* whose name messages, events and random streams bear */
  adze_params **params; /* by variant; at least one. The entries are taken over, also on failure,
                           and become NULL */
  size_t variants;
  uint64_t seed;
} adze_local_options;

/* RECORD is loaded. Creates the instance with the first parameters. */
ADZE_MUST_CHECK adze_error *adze_local_open (adze_runtime *runtime, adze_plugin_record *record,
                                             const adze_manifest_component *component,
                                             const adze_local_options *options,
                                             adze_local **local);
/* NULL behind the last. */
const adze_params *adze_local_params (const adze_local *local, size_t variant);
const adze_instance_facts *adze_local_facts (const adze_local *local);
adze_desk *adze_local_desk (adze_local *local);

/* As in stage/instance.h. Observe, merge and apply may come from several threads at once; the
 * component's threading decides whether they wait. */
ADZE_MUST_CHECK adze_error *adze_local_describe (adze_local *local, adze_outline *outline);
ADZE_MUST_CHECK adze_error *adze_local_accumulator (adze_local *local, size_t *size);
ADZE_MUST_CHECK adze_error *adze_local_observe (adze_local *local, const adze_work *work,
                                                void *accumulator);
ADZE_MUST_CHECK adze_error *adze_local_merge (adze_local *local, void *left, const void *right);
ADZE_MUST_CHECK adze_error *adze_local_decide (adze_local *local, const adze_work *work,
                                               const void *accumulator, bool *again);
ADZE_MUST_CHECK adze_error *adze_local_apply (adze_local *local, adze_work *work);

/* OPS and DATA: stage/run_ops.h. */
struct adze_run_ops;
ADZE_MUST_CHECK adze_error *adze_local_run (adze_local *local, const struct adze_run_ops *ops,
                                            void *data);

/* A job, its answer becoming that of DONE, to be freed. */
struct adze_job_done;
ADZE_MUST_CHECK adze_error *adze_local_job (adze_local *local, const struct adze_run_ops *ops, void *data,
                                            const adze_text *request, struct adze_job_done *done);
/* The same inside run, whose CONTEXT says what job it is. */
adze_status adze_local_do_job (adze_local *local, adze_context *context, const adze_text *request);
bool adze_local_has_job (const adze_local *local);

/* Destroys the instance, once, and says what it broke or kept. */
ADZE_MUST_CHECK adze_error *adze_local_end (adze_local *local);
/* Ends it first if nobody has; what goes wrong then is told on the runtime's bus. */
void adze_local_close (adze_local *local);

#endif
