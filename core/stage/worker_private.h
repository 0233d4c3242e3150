/* SPDX-License-Identifier: Apache-2.0 */
/* stage/worker_private.h: what the files behind stage/worker.h share.
 *   worker.c        the conversation, and requests about plugins
 *   worker_work.c   requests to a technique
 *   worker_inbox.c  the tensors that come with them
 */
#ifndef ADZE_STAGE_WORKER_PRIVATE_H
#define ADZE_STAGE_WORKER_PRIVATE_H

#include "stage/local.h"
#include "stage/observer.h"
#include "stage/wire.h"
#include "stage/worker.h"

/* The tensors of one request: inputs and rooms in the area that host and worker share, or in memory
 * of our own, which their bytes come to or go from over the socket. */
typedef struct adze_inbox {
  adze_arrival *inputs;
  size_t input_count; /* that need a cleanup */
  const adze_tensor **pointers;
  adze_arrival *pieces; /* of the rooms */
  adze_tensor_meta **wholes;
  size_t room_count;
  adze_room *rooms;
  adze_tensor_meta *whole;
  adze_work work;
  void *accumulators[2]; /* "accumulator" and "right" */
  void *accumulator_memory[2];
  size_t accumulator_size;
  bool repeatable; /* "again" may be asked for */
  char *name;      /* that "again" has told, of all of them */
} adze_inbox;

/* Bytes that follow the answer. */
typedef struct adze_outgoing {
  const void *data;
  size_t size;
} adze_outgoing;

struct adze_worker_state {
  adze_child *parent;
  const adze_worker_verb *more;
  /* The plugin's own threads may emit at any time, and must not cut a message of ours in two, nor
   * speak while nobody listens. */
  pthread_mutex_t lock;
  bool answering;
  adze_runtime *runtime;
  adze_local *local; /* one of the two */
  adze_watcher *watcher;
  adze_inbox inbox; /* of the request at hand, or of the last one */
  adze_outgoing *outgoing;
  size_t outgoing_count;
  struct adze_run_there *jobs; /* what jobs ask for, kept from one to the next; NULL: it has done none */
  void *answer;                /* of the last job */
};

/* Before what it uses goes. */
void adze_worker_jobs_close (adze_worker_state *state);

/* Takes everything that comes with the request, sound or not, before it says what is wrong. WORK:
 * there may be a table "work". */
ADZE_MUST_CHECK adze_error *adze_inbox_take (adze_worker_state *state, const adze_value *request);
void adze_inbox_cleanup (adze_inbox *inbox);
/* Do all inputs and rooms lie in the area? */
bool adze_inbox_is_shared (const adze_inbox *inbox);

/* Do they all have one name? It is NAME from now on. */
bool adze_inbox_has_one_name (const adze_inbox *inbox);
ADZE_MUST_CHECK adze_error *adze_inbox_rename (adze_inbox *inbox, const char *name);

/* What the request before asked for, with what TEXT says instead: "FIRST" or "FIRST GROUP NAME". */
ADZE_MUST_CHECK adze_error *adze_worker_apply_again (adze_worker_state *state, const char *text,
                                                     adze_buffer *answer);

/* DATA is sent behind the answer; it must last until then. */
ADZE_MUST_CHECK adze_error *adze_worker_send_later (adze_worker_state *state, const void *data,
                                                    size_t size);

void adze_worker_set_answering (adze_worker_state *state, bool answering);
ADZE_MUST_CHECK adze_error *adze_worker_send_value (adze_worker_state *state,
                                                    const adze_value *message);

/* Takes plugins into use, a list as stage/beside.h has it. */
ADZE_MUST_CHECK adze_error *adze_worker_load (adze_worker_state *state, const adze_value *list);

/* What a technique's table says, for the answer to "open". */
void adze_worker_facts (const adze_local *local, adze_value *reply);

extern const adze_worker_verb adze_worker_technique_verbs[]; /* ended by a NULL name */

#endif
