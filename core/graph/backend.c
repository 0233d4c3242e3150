/* SPDX-License-Identifier: Apache-2.0 */
/* graph/backend.c: a backend at work. One thread at a time calls it; what runs on others is what it
 * gives to adze.parallel itself. */
#include "graph/backend.h"

#include <string.h>

#include "graph/graph.h"
#include "plugin/manifest/params.h"
#include "plugin/services.h"

struct adze_backend_at_work {
  adze_runtime *runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  adze_backend callbacks;
  adze_params *params;
  adze_desk *desk;
  void *self;
  bool made; /* there is something to destroy */
  char *identity;
};

enum { IDENTITY_SIZE = 512 };

static uint32_t
host_threads (const adze_host *host)
{
  return adze_pool_threads (adze_desk_pool (adze_desk_of (host)));
}

static const adze_backend_host_service backend_host = { sizeof backend_host, host_threads };

static const void *
services (const char *id, bool bare)
{
  if (strcmp (id, ADZE_GRAPH) == 0)
    return &adze_graph_table;
  if (strcmp (id, ADZE_BACKEND_HOST) == 0)
    return &backend_host;
  return adze_service_find (id, bare);
}

/* ---- Around each callback. */

static void
enter (adze_backend_at_work *backend, adze_desk_frame *frame)
{
  if (backend->component->threading == ADZE_THREADS_PLUGIN)
    pthread_mutex_lock (&backend->record->plugin_lock);
  adze_desk_enter (backend->desk, frame);
}

static adze_error *
leave (adze_backend_at_work *backend, adze_desk_frame *frame, const char *callback,
       adze_status status)
{
  adze_error *error = adze_desk_leave (frame, callback, status);
  if (backend->component->threading == ADZE_THREADS_PLUGIN)
    pthread_mutex_unlock (&backend->record->plugin_lock);
  return error;
}

/* ---- Opening. */

static adze_error *
find_for_params (void *context, const char *kind, const char *id,
                 const adze_manifest_component **component)
{
  adze_plugin_record *record;
  ADZE_TRY (adze_find_component (context, id, &record, component));
  if (strcmp ((*component)->kind, kind) != 0)
    return adze_error_new (ADZE_E_PARAM, "'%s' is of kind %s; one of kind %s is needed", id,
                           (*component)->kind, kind);
  return NULL;
}

static adze_error *
check_component (const adze_backend_at_work *backend)
{
  if (strcmp (backend->component->kind, ADZE_BACKEND) != 0)
    return adze_error_new (ADZE_E_PARAM,
                           "'%s' is of kind %s, and no backend; `adze list backend` shows which "
                           "there are", backend->component->id, backend->component->kind);
  if (backend->record->builtin || backend->record->trusted || backend->runtime->is_worker)
    return NULL;
  adze_error *error = adze_error_new (
      ADZE_E_TRUST, "the backend '%s' is not used: it would run in this process, and %s is in a "
      "folder that is not trusted", backend->component->id, backend->record->path);
  adze_error_set (error, "file", backend->record->path);
  adze_error_set (error, "hint",
                  "if you trust it, list its folder under `trusted` in config.toml, or sign it");
  return error;
}

static adze_error *
load (adze_backend_at_work *backend)
{
  const adze_callbacks *active;
  void *own;
  ADZE_TRY (adze_activate (backend->runtime, backend->record));
  ADZE_TRY (adze_active_callbacks (backend->record, backend->component->id, &active, &own));
  backend->callbacks = active->backend;
  adze_desk_options desk = {
    .profile = backend->runtime->profile,
    .bus = backend->runtime->bus,
    .pool = backend->runtime->pool,
    .services = services,
    .source = backend->component->id,
    .seed = backend->runtime->seed,
    .own = own,
  };
  return adze_desk_open (&desk, &backend->desk);
}

static adze_error *
create (adze_backend_at_work *backend)
{
  adze_desk_frame frame;
  if (!backend->callbacks.create)
    return NULL;
  enter (backend, &frame);
  adze_status status = backend->callbacks.create (adze_desk_table (backend->desk), backend->params,
                                                  &backend->self);
  adze_error *error = leave (backend, &frame, "create", status);
  backend->made = !error;
  return adze_desk_after_create (backend->desk, error);
}

static adze_error *
ask_identity (adze_backend_at_work *backend)
{
  backend->identity = calloc (1, IDENTITY_SIZE);
  if (!backend->identity)
    return adze_error_memory ();
  if (!backend->callbacks.identity)
    return NULL;
  adze_desk_frame frame;
  enter (backend, &frame);
  adze_status status = backend->callbacks.identity (adze_desk_table (backend->desk), backend->self,
                                                    backend->identity, IDENTITY_SIZE);
  ADZE_TRY (leave (backend, &frame, "identity", status));
  backend->identity[IDENTITY_SIZE - 1] = '\0';
  return NULL;
}

static adze_error *
open_parts (adze_backend_at_work *backend, const adze_document *document,
            const adze_value *settings)
{
  ADZE_TRY (check_component (backend));
  ADZE_TRY (adze_params_bind (backend->component, document, settings, NULL, NULL, find_for_params,
                              backend->runtime, &backend->params));
  ADZE_TRY (load (backend));
  ADZE_TRY (create (backend));
  return ask_identity (backend);
}

adze_error *
adze_backend_open (adze_runtime *runtime, const char *id, const adze_document *document,
                   const adze_value *settings, adze_backend_at_work **opened)
{
  ADZE_LOCKED (runtime);
  adze_backend_at_work *backend = calloc (1, sizeof *backend);
  if (!backend)
    return adze_error_memory ();
  backend->runtime = runtime;
  adze_error *error = adze_find_component (runtime, id, &backend->record, &backend->component);
  if (!error)
    error = open_parts (backend, document, settings);
  if (error) {
    adze_backend_close (backend);
    return error;
  }
  *opened = backend;
  return NULL;
}

void
adze_backend_close (adze_backend_at_work *backend)
{
  if (!backend)
    return;
  if (backend->made && backend->callbacks.destroy) {
    adze_desk_frame frame;
    enter (backend, &frame);
    backend->callbacks.destroy (adze_desk_table (backend->desk), backend->self);
    adze_error_free (leave (backend, &frame, "destroy", ADZE_OK));
  }
  ADZE_AUTO_ERROR kept = backend->desk ? adze_desk_audit (backend->desk) : NULL;
  if (kept)
    adze_tell_end (backend->runtime->bus, backend->component->id, kept, true);
  adze_desk_close (backend->desk);
  adze_params_free (backend->params);
  free (backend->identity);
  free (backend);
}

const char *
adze_backend_id (const adze_backend_at_work *backend)
{
  return backend->component->id;
}

const adze_backend *
adze_backend_callbacks (const adze_backend_at_work *backend)
{
  return &backend->callbacks;
}

const char *
adze_backend_identity (const adze_backend_at_work *backend)
{
  return backend->identity;
}

/* ---- Its callbacks. */

adze_error *
adze_backend_claim (adze_backend_at_work *backend, adze_graph *graph, uint32_t *part_of)
{
  adze_desk_frame frame;
  enter (backend, &frame);
  return leave (backend, &frame, "claim",
                backend->callbacks.claim (adze_desk_table (backend->desk), backend->self, graph,
                                          part_of));
}

adze_error *
adze_backend_compile (adze_backend_at_work *backend, adze_graph *part, adze_program **program)
{
  adze_desk_frame frame;
  enter (backend, &frame);
  return leave (backend, &frame, "compile",
                backend->callbacks.compile (adze_desk_table (backend->desk), backend->self, part,
                                            program));
}

void
adze_backend_release (adze_backend_at_work *backend, adze_program *program)
{
  adze_desk_frame frame;
  enter (backend, &frame);
  backend->callbacks.release (adze_desk_table (backend->desk), backend->self, program);
  adze_error_free (leave (backend, &frame, "release", ADZE_OK));
}

uint64_t
adze_backend_scratch (adze_backend_at_work *backend, const adze_program *program)
{
  adze_desk_frame frame;
  if (!backend->callbacks.scratch)
    return 0;
  enter (backend, &frame);
  uint64_t size
      = backend->callbacks.scratch (adze_desk_table (backend->desk), backend->self, program);
  adze_error_free (leave (backend, &frame, "scratch", ADZE_OK));
  return size;
}

bool
adze_backend_may_replace (adze_backend_at_work *backend, const adze_program *program,
                          uint32_t output, uint32_t input)
{
  adze_desk_frame frame;
  if (!backend->callbacks.may_replace)
    return false;
  enter (backend, &frame);
  bool may = backend->callbacks.may_replace (adze_desk_table (backend->desk), backend->self,
                                             program, output, input);
  ADZE_AUTO_ERROR error = leave (backend, &frame, "may_replace", ADZE_OK);
  return may && !error;
}

adze_error *
adze_backend_execute (adze_backend_at_work *backend, adze_program *program,
                      const adze_view *const *inputs, adze_view *const *outputs, void *scratch)
{
  adze_desk_frame frame;
  enter (backend, &frame);
  return leave (backend, &frame, "execute",
                backend->callbacks.execute (adze_desk_table (backend->desk), backend->self,
                                            program, inputs, outputs, scratch));
}

/* ---- Memory of its own. */

const adze_device_memory *
adze_backend_memory (const adze_backend_at_work *backend)
{
  return backend->callbacks.memory;
}

adze_error *
adze_backend_allocate (adze_backend_at_work *backend, uint64_t size, void **memory)
{
  adze_desk_frame frame;
  *memory = NULL;
  enter (backend, &frame);
  adze_status status = backend->callbacks.memory->allocate (adze_desk_table (backend->desk),
                                                            backend->self, size, memory);
  ADZE_TRY (leave (backend, &frame, "memory.allocate", status));
  if (*memory)
    return NULL;
  return adze_error_new (ADZE_E_CONTRACT, "the backend '%s' says that it has allocated memory of its "
                                          "device, and gives none", backend->component->id);
}

void
adze_backend_give_back (adze_backend_at_work *backend, void *memory)
{
  adze_desk_frame frame;
  enter (backend, &frame);
  backend->callbacks.memory->release (adze_desk_table (backend->desk), backend->self, memory);
  adze_error_free (leave (backend, &frame, "memory.release", ADZE_OK));
}

adze_error *
adze_backend_send (adze_backend_at_work *backend, void *memory, uint64_t offset, const void *from,
                   uint64_t size)
{
  adze_desk_frame frame;
  enter (backend, &frame);
  return leave (backend, &frame, "memory.write",
                backend->callbacks.memory->write (adze_desk_table (backend->desk), backend->self,
                                                  memory, offset, from, size));
}

adze_error *
adze_backend_fetch (adze_backend_at_work *backend, const void *memory, uint64_t offset, void *into,
                    uint64_t size)
{
  adze_desk_frame frame;
  enter (backend, &frame);
  return leave (backend, &frame, "memory.read",
                backend->callbacks.memory->read (adze_desk_table (backend->desk), backend->self,
                                                 memory, offset, into, size));
}
