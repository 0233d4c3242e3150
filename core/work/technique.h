/* SPDX-License-Identifier: Apache-2.0 */
/* work/technique.h: an instance of a technique, in this process or in another one. */
#ifndef ADZE_RUN_TECHNIQUE_H
#define ADZE_RUN_TECHNIQUE_H

#include "plugin/manifest/params.h"
#include "plugin/runtime.h"
#include "work/piece.h"

/* What a technique made of one tensor. */
typedef struct adze_result {
  bool given; /* false: it left the tensor as it was */
  adze_tensor tensor;
  int64_t *shape;
  void *data; /* aligned, inside memory */
  void *memory;
} adze_result;

void adze_result_cleanup (adze_result *result);

/* Makes room for an output; the shape comes from a plugin, or from a process that may have been
 * damaged. */
ADZE_MUST_CHECK adze_error *adze_result_allocate (adze_result *result, const char *name,
                                                  adze_dtype dtype, int32_t rank,
                                                  const int64_t *shape);

/* ---- In a worker. */

typedef struct adze_remote adze_remote;

typedef struct adze_remote_options {
  const char *worker;
  adze_event_bus *bus;
  uint64_t seed;
  int64_t time_limit_ms; /* of each call; 0: none */
  uint64_t memory_limit; /* of the process; 0: none */
} adze_remote_options;

/* SETTINGS is the table of parameters as it was written; NULL: none. Works for every kind of
 * component that a worker can hold. */
ADZE_MUST_CHECK adze_error *adze_remote_open (const adze_remote_options *options,
                                              const adze_plugin_record *record,
                                              const adze_manifest_component *component,
                                              const adze_value *settings, adze_remote **remote);
ADZE_MUST_CHECK adze_error *adze_remote_apply (adze_remote *remote, const adze_tensor *input,
                                               adze_result *result);
ADZE_MUST_CHECK adze_error *adze_remote_event (adze_remote *remote, const adze_event *event);
/* Lets the worker destroy the instance and end the plugin, once, and says what went wrong; also
 * that it took its process down or did not come back. */
ADZE_MUST_CHECK adze_error *adze_remote_end (adze_remote *remote);
/* Ends it first if nobody has; what goes wrong then is told on the bus of the options. */
void adze_remote_close (adze_remote *remote);

#endif
