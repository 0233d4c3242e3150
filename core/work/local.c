/* SPDX-License-Identifier: Apache-2.0 */
/* A technique in this process. */
#include <string.h>

#include "plugin/services.h"
#include "work/technique.h"

/* One apply: what the technique's service adze.call/1 works on. */
struct adze_call {
  const adze_tensor *input;
  adze_result *result;
  bool inspects;
};

struct adze_local {
  adze_plugin_record *record;
  const adze_manifest_component *component;
  adze_technique callbacks;
  adze_desk *desk;
  adze_params *params;
  void *instance;
  bool created;
  pthread_mutex_t lock; /* ADZE_THREADS_INSTANCE */
};

/* ---- Results. */

enum { RANK_MOST = 32, ALIGNMENT = 64 };

adze_error *
adze_tensor_bytes (adze_dtype dtype, int32_t rank, const int64_t *shape, size_t *bytes)
{
  if (rank < 0 || rank > RANK_MOST || (rank > 0 && !shape))
    return adze_error_new (ADZE_E_CONTRACT, "a tensor of rank %d; 0 to %d are possible", (int)rank,
                           RANK_MOST);
  if (dtype.bits == 0 || dtype.lanes == 0)
    return adze_error_new (ADZE_E_CONTRACT, "an element type of %u bits in %u lanes",
                           (unsigned)dtype.bits, (unsigned)dtype.lanes);
  /* A dimension of 0 must not hide others whose product nobody could compute. */
  size_t bits = (size_t)dtype.bits * dtype.lanes;
  bool empty = false;
  for (int32_t i = 0; i < rank; i++) {
    if (shape[i] < 0
        || __builtin_mul_overflow (bits, shape[i] ? (size_t)shape[i] : 1, &bits)
        || bits > INT64_MAX)
      return adze_error_new (ADZE_E_CONTRACT, "dimension %d of a tensor is %lld, which cannot be",
                             (int)i, (long long)shape[i]);
    empty = empty || shape[i] == 0;
  }
  *bytes = empty ? 0 : bits / 8 + (bits % 8 != 0);
  return NULL;
}

adze_error *
adze_result_allocate (adze_result *result, const char *name, adze_dtype dtype, int32_t rank,
                      const int64_t *shape)
{
  size_t bytes = 0;
  ADZE_TRY (adze_tensor_bytes (dtype, rank, shape, &bytes));
  result->shape = calloc ((size_t)rank + 1, sizeof *result->shape);
  /* calloc, since for much of it the system has zeros already: what a size that was only claimed
   * takes is nothing but addresses. */
  result->memory = calloc (1, bytes + ALIGNMENT);
  if (!result->shape || !result->memory) {
    adze_result_cleanup (result);
    return adze_error_memory ();
  }
  uintptr_t start = ((uintptr_t)result->memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  result->data = (char *)result->memory + (start - (uintptr_t)result->memory);
  if (rank > 0)
    memcpy (result->shape, shape, (size_t)rank * sizeof *shape);
  result->tensor = (adze_tensor){
    .struct_size = sizeof result->tensor,
    .name = name,
    .view = { .data = result->data,
              .device = { ADZE_DEVICE_CPU, 0 },
              .rank = rank,
              .dtype = dtype,
              .shape = result->shape },
    .byte_size = bytes,
  };
  result->given = true;
  return NULL;
}

void
adze_result_cleanup (adze_result *result)
{
  free (result->shape);
  free (result->memory);
  *result = (adze_result){ 0 };
}

/* ---- adze.call/1 */

static adze_status
push_error (const adze_host *host, adze_error *error)
{
  adze_status status = adze_error_status (error);
  adze_desk_reason (adze_desk_of (host), status, adze_error_message (error));
  adze_error_free (error);
  return status;
}

static adze_status
call_output (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
             const int64_t *shape, adze_view *out)
{
  if (!adze_desk_inside (adze_desk_of (host), ADZE_CALL " output"))
    return ADZE_E_CONTRACT;
  if (call->inspects) {
    adze_desk_broken ("it asked for an output, and its table says that it only inspects");
    return ADZE_E_CONTRACT;
  }
  if (call->result->given) {
    adze_desk_broken ("it asked for a second output in one call");
    return ADZE_E_CONTRACT;
  }
  adze_error *error
      = adze_result_allocate (call->result, call->input->name, dtype, rank, shape);
  if (error)
    return push_error (host, error);
  *out = call->result->tensor.view;
  return ADZE_OK;
}

static const adze_call_service call_service
    = { .struct_size = sizeof call_service, .output = call_output };

/* ---- Life. */

static pthread_mutex_t *
lock_of (adze_local *local, bool apply)
{
  switch (local->component->threading) {
  case ADZE_THREADS_PLUGIN:
    return &local->record->plugin_lock;
  case ADZE_THREADS_INSTANCE:
    return &local->lock;
  default:
    return apply ? NULL : &local->lock;
  }
}

static void
lock (pthread_mutex_t *mutex)
{
  if (mutex)
    pthread_mutex_lock (mutex);
}

static void
unlock (pthread_mutex_t *mutex)
{
  if (mutex)
    pthread_mutex_unlock (mutex);
}

static adze_error *
open_desk (adze_runtime *runtime, void *own, adze_local *local)
{
  adze_desk_options options = {
    .profile = runtime->profile,
    .bus = runtime->bus,
    .pool = runtime->pool,
    .services = adze_service_find,
    .source = local->component->id,
    .seed = runtime->seed,
    .own_service_id = ADZE_CALL,
    .own_service = &call_service,
    .own = own,
  };
  return adze_desk_open (&options, &local->desk);
}

static adze_error *
create (adze_local *local)
{
  if (!local->callbacks.create) {
    local->created = true;
    return NULL;
  }
  adze_desk_frame frame;
  pthread_mutex_t *mutex = lock_of (local, false);
  lock (mutex);
  adze_desk_enter (local->desk, &frame);
  adze_status status = local->callbacks.create (adze_desk_table (local->desk), local->params,
                                                &local->instance);
  adze_error *error = adze_desk_leave (&frame, "create", status);
  unlock (mutex);
  /* A rule broken by a create that succeeded still leaves an instance to destroy. */
  local->created = status == ADZE_OK;
  return error;
}

adze_error *
adze_local_open (adze_runtime *runtime, adze_plugin_record *record,
                 const adze_manifest_component *component, adze_params *params,
                 adze_local **local)
{
  adze_local *fresh = calloc (1, sizeof *fresh);
  if (!fresh) {
    adze_params_free (params);
    return adze_error_memory ();
  }
  fresh->record = record;
  fresh->component = component;
  fresh->params = params;
  pthread_mutex_init (&fresh->lock, NULL);
  const adze_callbacks *callbacks = NULL;
  void *own = NULL;
  adze_error *error = adze_active_callbacks (record, component->id, &callbacks, &own);
  if (!error) {
    fresh->callbacks = callbacks->technique;
    error = open_desk (runtime, own, fresh);
  }
  if (!error)
    error = create (fresh);
  if (error && fresh->desk && !fresh->created)
    error = adze_desk_after_create (fresh->desk, error);
  if (error) {
    adze_local_close (fresh);
    return error;
  }
  *local = fresh;
  return NULL;
}

static void
destroy (adze_local *local)
{
  if (!local->callbacks.destroy)
    return;
  adze_desk_frame frame;
  pthread_mutex_t *mutex = lock_of (local, false);
  lock (mutex);
  adze_desk_enter (local->desk, &frame);
  local->callbacks.destroy (adze_desk_table (local->desk), local->instance);
  adze_desk_leave_void (&frame, "destroy");
  unlock (mutex);
}

adze_error *
adze_local_end (adze_local *local)
{
  if (!local->created)
    return NULL;
  local->created = false;
  destroy (local);
  return adze_desk_audit (local->desk);
}

void
adze_local_close (adze_local *local)
{
  if (!local)
    return;
  ADZE_AUTO_ERROR error = adze_local_end (local);
  if (error)
    adze_tell_end (adze_desk_bus (local->desk), local->component->id, error, true);
  adze_desk_close (local->desk);
  adze_params_free (local->params);
  pthread_mutex_destroy (&local->lock);
  free (local);
}

adze_desk *
adze_local_desk (adze_local *local)
{
  return local->desk;
}

adze_error *
adze_local_apply (adze_local *local, const adze_tensor *input, adze_result *result)
{
  *result = (adze_result){ 0 };
  adze_call call = { .input = input,
                     .result = result,
                     .inspects = local->component->effect == ADZE_INSPECTS };
  adze_desk_frame frame;
  pthread_mutex_t *mutex = lock_of (local, true);
  lock (mutex);
  adze_desk_enter (local->desk, &frame);
  adze_status status = local->callbacks.apply (adze_desk_table (local->desk), local->instance,
                                               &call, input);
  adze_error *error = adze_desk_leave (&frame, "apply", status);
  unlock (mutex);
  if (error)
    adze_result_cleanup (result);
  return error;
}
