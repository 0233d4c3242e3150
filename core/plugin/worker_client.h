/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/worker_client.h: asking a worker process for something. What it answers to is written in
 * stage/worker.c.
 *
 * A request is a table with the key "do". The worker answers with any number of
 * {"progress": step}, {"event": ...} and {"ask": ...}, and one {"ok": ...} or {"error": chain}.
 */
#ifndef ADZE_PLUGIN_WORKER_CLIENT_H
#define ADZE_PLUGIN_WORKER_CLIENT_H

#include "base/child.h"
#include "base/event.h"
#include "base/value.h"

typedef struct adze_worker adze_worker;

/* PROGRAM is absolute. BUS gets the worker's events; NULL: they are dropped. QUIET: what it prints
 * is dropped. */
ADZE_MUST_CHECK adze_error *adze_worker_start (const char *program, adze_event_bus *bus,
                                               bool quiet, adze_worker **worker);
void adze_worker_stop (adze_worker *worker);
static inline void
adze_worker_cleanup (adze_worker **worker)
{
  adze_worker_stop (*worker);
}
#define ADZE_AUTO_WORKER __attribute__ ((cleanup (adze_worker_cleanup))) adze_worker *

/* Events for which KEEP says no are dropped; NULL: none is. */
void adze_worker_filter (adze_worker *worker, bool (*keep) (void *context, const adze_event *event),
                         void *context);

/* While it works on a request a worker may have questions of its own, {"ask": ...}. ANSWER fills
 * REPLY in (an empty table), and may exchange bulk data: what the question announces it takes,
 * whether it likes it or not; *DATA (to be freed) of *SIZE bytes follow the reply. Its error is the
 * worker's to deal with, unless it sets *BROKEN: then the conversation is over. Without an
 * answerer, a question is a fault. */
typedef adze_error *(*adze_worker_answerer) (void *context, const adze_value *ask, adze_value *reply,
                                             void **data, size_t *size, bool *broken);
void adze_worker_answer_with (adze_worker *worker, adze_worker_answerer answer, void *context);

/* For bulk data between a request and its answer. */
adze_child *adze_worker_child (adze_worker *worker);

/* LIMIT_MS for what follows, up to the answer; 0: none. */
ADZE_MUST_CHECK adze_error *adze_worker_send (adze_worker *worker, const adze_value *request,
                                              int64_t limit_ms);
/* The answer is the value "ok" of the root of REPLY. Clean REPLY up either way. */
ADZE_MUST_CHECK adze_error *adze_worker_receive (adze_worker *worker, adze_document *reply);

/* One message of what receive takes: an event, a question, which is answered, or the answer; *DONE: it was that. */
ADZE_MUST_CHECK adze_error *adze_worker_turn (adze_worker *worker, adze_document *reply, bool *done);

/* Both in one. */
ADZE_MUST_CHECK adze_error *adze_worker_ask (adze_worker *worker, const adze_value *request,
                                             int64_t limit_ms, adze_document *reply);

/* The request to apply that came right before, once more, with another first element. It is asked for
 * a thousand times a second, so it and its answer are a few letters each, and no JSON:
 *   again 1048576                given 1
 *   again 0 17 layer.3.weight    given 1
 * NAME: the tensor is another one like it, of group GROUP; all that the request told of had one name, and
 * now has this one. NULL: it is the same tensor. GIVEN: for each of COUNT rooms, '1' when it was given. */
#define ADZE_WORKER_AGAIN "again "
#define ADZE_WORKER_GIVEN "given "
enum { ADZE_WORKER_NAME_MOST = 255 }; /* longer names are told anew */
ADZE_MUST_CHECK adze_error *adze_worker_again (adze_worker *worker, uint64_t first, size_t group,
                                               const char *name, int64_t limit_ms, char *given,
                                               size_t count);

/* Was the last failure of asking the worker's own answer? Otherwise the conversation failed, and
 * the worker with it, whatever the status. */
bool adze_worker_answered (const adze_worker *worker);

/* The last progress that was reported since the request; "" when none. */
const char *adze_worker_progress (const adze_worker *worker);

#endif
