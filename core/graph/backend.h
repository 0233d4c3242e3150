/* SPDX-License-Identifier: Apache-2.0 */
/* graph/backend.h: a backend at work: its desk, its parameters, its own state. */
#ifndef ADZE_GRAPH_BACKEND_H
#define ADZE_GRAPH_BACKEND_H

#include <adze/draft/backend.h>

#include "base/value.h"
#include "plugin/runtime.h"

typedef struct adze_backend_at_work adze_backend_at_work;

/* By id; refuses components of another kind. SETTINGS (may be NULL) are its parameters, DOCUMENT
 * (may be NULL) is where they stand. */
ADZE_MUST_CHECK adze_error *adze_backend_open (adze_runtime *runtime, const char *id,
                                               const adze_document *document,
                                               const adze_value *settings,
                                               adze_backend_at_work **backend);
void adze_backend_close (adze_backend_at_work *backend);
const char *adze_backend_id (const adze_backend_at_work *backend);
const adze_backend *adze_backend_callbacks (const adze_backend_at_work *backend);
/* What its numbers depend on beside the plugin; "" for nothing. Valid until it is closed. */
const char *adze_backend_identity (const adze_backend_at_work *backend);

/* ---- Its callbacks, with what it said about a failure. */

ADZE_MUST_CHECK adze_error *adze_backend_claim (adze_backend_at_work *backend,
                                                adze_graph *graph, uint32_t *part_of);
ADZE_MUST_CHECK adze_error *adze_backend_compile (adze_backend_at_work *backend,
                                                  adze_graph *part, adze_program **program);
void adze_backend_release (adze_backend_at_work *backend, adze_program *program);
uint64_t adze_backend_scratch (adze_backend_at_work *backend, const adze_program *program);
/* May OUTPUT be made where INPUT lies? */
bool adze_backend_may_replace (adze_backend_at_work *backend, const adze_program *program,
                               uint32_t output, uint32_t input);
ADZE_MUST_CHECK adze_error *adze_backend_execute (adze_backend_at_work *backend,
                                                  adze_program *program,
                                                  const adze_view *const *inputs,
                                                  adze_view *const *outputs, void *scratch);

/* ---- Memory of its own. */

/* NULL: it computes in the memory of the processor. */
const adze_device_memory *adze_backend_memory (const adze_backend_at_work *backend);
ADZE_MUST_CHECK adze_error *adze_backend_allocate (adze_backend_at_work *backend, uint64_t size,
                                                   void **memory);
void adze_backend_give_back (adze_backend_at_work *backend, void *memory);
/* Copies, which are done when these return. */
ADZE_MUST_CHECK adze_error *adze_backend_send (adze_backend_at_work *backend, void *memory,
                                               uint64_t offset, const void *from, uint64_t size);
ADZE_MUST_CHECK adze_error *adze_backend_fetch (adze_backend_at_work *backend, const void *memory,
                                                uint64_t offset, void *into, uint64_t size);

#endif
