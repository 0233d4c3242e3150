/* SPDX-License-Identifier: Apache-2.0 */
/* stage/instance.h: a technique at work for a stage, here or in workers; who uses it cannot tell.
 *
 * Callers come on lanes, numbered from 0. Each lane is used by one thread at a time, several lanes
 * at once. Isolated, each lane has a worker of its own, started when it is first used; they agree
 * because each was given the same accumulators to decide on.
 */
#ifndef ADZE_STAGE_INSTANCE_H
#define ADZE_STAGE_INSTANCE_H

#include "plugin/manifest/params.h"
#include "plugin/runtime.h"
#include "stage/outline.h"

typedef struct adze_instance adze_instance;

typedef struct adze_instance_options {
  const char *stage;     /* its id: whose name messages, events and random streams bear */
  const char *component;
  const adze_document *document; /* where the settings lie, for messages; NULL: nowhere */
  /* Sets of parameters: the stage's own, then one for each combination of rules that holds for
   * some tensor. The instance is created with the first. NULL entry: all presets. */
  const adze_value *const *settings;
  size_t variants;
  const char *const *ignore; /* keys of the settings that are the host's; NULL-terminated */
  const char *folder;        /* relative files are relative to it; NULL: the current one */
  uint64_t seed;
  int isolate;               /* 0: when its folder is not trusted; 1: yes; -1: no */
  int64_t time_limit_ms;     /* of each call, when isolated; 0: none */
  uint64_t memory_limit;     /* of each process, in bytes; 0: none */
  unsigned lanes;
} adze_instance_options;

ADZE_MUST_CHECK adze_error *adze_instance_open (adze_runtime *runtime,
                                                const adze_instance_options *options,
                                                adze_instance **instance);

/* What its table says. Strings are the instance's. */
typedef struct adze_instance_facts {
  uint32_t effect;
  uint32_t grain;
  uint32_t accumulate;
  bool describes; /* it has a describe; without one, all tensors of port 0 stay like themselves */
  bool observes;  /* it has an accumulator */
  bool applies;
  bool runs;
  bool rehearses; /* its run can be rehearsed */
  bool keeps_network; /* what its run gives differs from what came in by numbers alone */
  const char *const *preserves; /* NULL-terminated, never NULL */
  const char *const *breaks;
  const char *const *keeps; /* likewise: a trait, and the parameter that keeps it, and so on */
  bool isolated;
  bool parallel; /* apply of several lanes at once gains something */
} adze_instance_facts;
const adze_instance_facts *adze_instance_facts_of (const adze_instance *instance);

/* One output of a call: room for the same piece of what describe announced. */
typedef struct adze_room {
  const adze_tensor_meta *whole;
  adze_tensor tensor; /* name, view of the piece, byte_size; its data is written */
  bool given;         /* set by apply */
} adze_room;

/* One that is for all pieces lies in the first alone, and nobody has to give it in others. */
static inline bool
adze_room_is_absent (const adze_room *room)
{
  return room->tensor.byte_size == 0 && room->whole->byte_size > 0;
}

/* One piece of a group. */
typedef struct adze_work {
  const adze_tensor *const *inputs;
  size_t input_count;
  adze_room *rooms;
  size_t room_count;
  size_t variant;
  size_t group; /* number in the outline: for messages and events */
  const adze_tensor_meta *whole; /* of input 0 */
  uint64_t first, count;         /* elements of it */
} adze_work;

/* Memory for an input or output of this lane's calls; INDEX is a number that the caller has for it. An
 * isolated stage gets what lies there without a copy where it is small enough; other memory is copied to
 * it. Valid until the next request for the same lane, direction and index, and aligned to 64. */
ADZE_MUST_CHECK adze_error *adze_instance_buffer (adze_instance *instance, unsigned lane,
                                                  bool output, size_t index, size_t size,
                                                  void **buffer);

/* On lane 0. Fills the answer of OUTLINE in. */
ADZE_MUST_CHECK adze_error *adze_instance_describe (adze_instance *instance,
                                                    adze_outline *outline);
ADZE_MUST_CHECK adze_error *adze_instance_accumulator (adze_instance *instance, size_t *size);
ADZE_MUST_CHECK adze_error *adze_instance_observe (adze_instance *instance, unsigned lane,
                                                   const adze_work *work, void *accumulator);
ADZE_MUST_CHECK adze_error *adze_instance_merge (adze_instance *instance, unsigned lane,
                                                 void *left, const void *right);
/* ADZE_OVER_GROUP: once a group that is seen (adze_outline_seen), WORK having no data (its inputs are
 * whole tensors without), and then WORK and ACCUMULATOR NULL. ADZE_OVER_STAGE: WORK NULL. *AGAIN is
 * initially false, and for the caller to set so. Lanes that are started later are told the same. */
ADZE_MUST_CHECK adze_error *adze_instance_decide (adze_instance *instance, const adze_work *work,
                                                  const void *accumulator, size_t size,
                                                  bool *again);
ADZE_MUST_CHECK adze_error *adze_instance_apply (adze_instance *instance, unsigned lane,
                                                 adze_work *work);

/* What stands behind adze.run/1 for a technique with run; core/run fills it in. Called on the
 * thread that called adze_instance_run, also for an isolated instance. */
typedef struct adze_run_hooks adze_run_hooks;
ADZE_MUST_CHECK adze_error *adze_instance_run (adze_instance *instance,
                                               const adze_run_hooks *hooks, void *context);

/* Fallbacks that it told while it was created and last described: a list of { tensor, asked, did, why },
 * to be freed. */
ADZE_MUST_CHECK adze_error *adze_instance_early_fallbacks (const adze_instance *instance,
                                                           adze_value **lines);

/* Its parameters by variant, as they were bound; NULL behind the last. */
const adze_params *adze_instance_params (const adze_instance *instance, size_t variant);
/* Is what it computes with still what RECORD, its plugin's, says that it is? An isolated one keeps to
 * the file that was there when it was opened, and another may have been taken into use since. */
bool adze_instance_uses (const adze_instance *instance, const adze_plugin_record *record);

/* Its desk, for those who watch it; NULL when isolated. */
adze_desk *adze_instance_desk (const adze_instance *instance);

/* The most memory that its workers have had so far, each for itself; 0: it has none. */
uint64_t adze_instance_peak (const adze_instance *instance);

/* Destroys it, once, and says what it broke or kept. */
ADZE_MUST_CHECK adze_error *adze_instance_end (adze_instance *instance);
void adze_instance_close (adze_instance *instance);

/* Events that techniques emit through adze.decision/1 have these ids and, besides what the call
 * was given, nothing: source is the stage's id. They cross from workers like all events; of several
 * lanes only lane 0 is heard (fallbacks of all). */
#define ADZE_EVENT_METRIC "stage.metric"     /* name, value, unit */
#define ADZE_EVENT_TENSOR "stage.decision"   /* tensor, then the given fields */
#define ADZE_EVENT_ACHIEVED "stage.achieved" /* name, asked, got */
#define ADZE_EVENT_FALLBACK "stage.fallback" /* tensor, asked, did, why; see stage/early.h */
#define ADZE_EVENT_ROW "stage.row"           /* table, then the given fields */

#endif
