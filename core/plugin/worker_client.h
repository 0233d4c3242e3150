/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/worker_client.h: asking a worker process for something. What it answers to is written in
 * work/worker.c.
 *
 * A request is a table with the key "do". The worker answers with any number of
 * {"progress": step} and {"event": ...}, and one {"ok": ...} or {"error": chain}.
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

/* For bulk data between a request and its answer. */
adze_child *adze_worker_child (adze_worker *worker);

/* LIMIT_MS for what follows, up to the answer; 0: none. */
ADZE_MUST_CHECK adze_error *adze_worker_send (adze_worker *worker, const adze_value *request,
                                              int64_t limit_ms);
/* The answer is the value "ok" of the root of REPLY. Clean REPLY up either way. */
ADZE_MUST_CHECK adze_error *adze_worker_receive (adze_worker *worker, adze_document *reply);

/* Both in one. */
ADZE_MUST_CHECK adze_error *adze_worker_ask (adze_worker *worker, const adze_value *request,
                                             int64_t limit_ms, adze_document *reply);

/* Was the last failure of asking the worker's own answer? Otherwise the conversation failed, and
 * the worker with it, whatever the status. */
bool adze_worker_answered (const adze_worker *worker);

/* The last progress that was reported since the request; "" when none. */
const char *adze_worker_progress (const adze_worker *worker);

#endif
