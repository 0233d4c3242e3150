/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/technique.c: the callbacks that stand behind every technique that is really
 * somebody else's function. */
#include <string.h>

#include "base/file.h"
#include "plugin/foreign/call.h"
#include "plugin/host_table.h"

/* Elements a piece: some 50 us of work, so that cutting costs nothing. */
#define MAP_GRAIN 4096

static size_t
own_sources (const adze_foreign_function *function)
{
  size_t own = 0;
  adze_foreign_sources (function->shape, &own);
  return own;
}

/* ---- Parameters. */

adze_error *
adze_foreign_technique_slots (const adze_foreign_technique *technique, const adze_params *params,
                              adze_slot *slots)
{
  const adze_foreign_function *function = technique->kernel->function;
  const adze_manifest_component *component = function->component;
  size_t own = own_sources (function);
  if (params->count != component->param_count)
    return adze_error_new (ADZE_E_INTERNAL, "'%s' has %zu parameters and was given %zu",
                           component->id, component->param_count, params->count);
  memset (slots, 0, own * sizeof *slots);
  for (size_t i = 0; i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    adze_slot *slot = &slots[own + i];
    if (value->type == ADZE_PARAM_FLOAT)
      slot->real = value->real;
    else if (value->type == ADZE_PARAM_CHOICE)
      slot->integer = adze_foreign_choice (component->params[i].choices, value->string);
    else
      slot->integer = value->type == ADZE_PARAM_BOOL ? value->boolean : value->integer;
  }
  /* So a parameter that does not fit is found before any tensor is touched. */
  adze_foreign_value values[ADZE_FOREIGN_ARGUMENTS];
  return adze_kernel_place (technique->kernel, slots, values);
}

/* ---- Running. */

typedef struct map_work {
  const adze_kernel *kernel;
  const adze_foreign_value *values;
  const void *input;
  void *output;
} map_work;

static adze_status
map_piece (void *argument, size_t first, size_t last)
{
  const map_work *work = argument;
  adze_kernel_map (work->kernel, work->values, work->input, work->output, first, last);
  return ADZE_OK;
}

static adze_error *
map_run (const adze_foreign_technique *technique, const adze_host *host, const adze_slot *slots,
         const void *input, void *output, size_t count)
{
  const adze_kernel *kernel = technique->kernel;
  adze_foreign_value values[ADZE_FOREIGN_ARGUMENTS];
  ADZE_TRY (adze_kernel_place (kernel, slots, values));
  map_work work = { kernel, values, input, output };
  /* Only a function that is said to stand it is called on several threads at once. */
  if (!host || kernel->function->component->threading != ADZE_THREADS_PARALLEL) {
    adze_kernel_map (kernel, values, input, output, 0, count);
    return NULL;
  }
  adze_status status = adze_parallel_for (host, count, MAP_GRAIN, map_piece, &work);
  if (status == ADZE_OK)
    return NULL;
  return adze_error_new (status, "the host did not run all pieces of '%s'",
                         kernel->function->component->id);
}

static adze_error *
buffer_run (const adze_foreign_technique *technique, const adze_slot *slots, const void *input,
            void *output, size_t count)
{
  const adze_foreign_function *function = technique->kernel->function;
  adze_slot all[ADZE_FOREIGN_SLOTS];
  memcpy (all, slots,
          (own_sources (function) + function->component->param_count) * sizeof *slots);
  all[ADZE_SOURCE_DATA].pointer = (void *)input;
  all[ADZE_SOURCE_OUTPUT].pointer = output;
  all[ADZE_SOURCE_COUNT].integer = (int64_t)count;
  bool in_place = true;
  for (size_t i = 0; i < function->argument_count; i++)
    in_place = in_place && function->arguments[i].source != ADZE_SOURCE_DATA;
  if (in_place)
    memcpy (output, input, count * function->element->size);
  return adze_kernel_call (technique->kernel, all, NULL);
}

adze_error *
adze_foreign_technique_run (const adze_foreign_technique *technique, const adze_host *host,
                            const adze_slot *slots, const void *input, void *output, size_t count)
{
  if (technique->kernel->function->shape == ADZE_FOREIGN_MAP)
    return map_run (technique, host, slots, input, output, count);
  return buffer_run (technique, slots, input, output, count);
}

/* ---- The callbacks. */

typedef struct foreign_instance {
  const adze_foreign_technique *technique;
  adze_slot slots[ADZE_FOREIGN_SLOTS];
} foreign_instance;

/* An error of ours as a plugin would report it. */
static adze_status
report (const adze_host *host, adze_error *error)
{
  adze_status status = adze_error_status (error);
  adze_fail (host, status, "%s", adze_error_message (error));
  adze_error_free (error);
  return status;
}

static adze_status
foreign_create (const adze_host *host, const adze_params *params, void **instance)
{
  foreign_instance *self = host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no memory for an instance");
  self->technique = adze_desk_own (adze_desk_of (host));
  adze_error *error = adze_foreign_technique_slots (self->technique, params, self->slots);
  if (error) {
    host->release (host, self);
    return report (host, error);
  }
  *instance = self;
  return ADZE_OK;
}

static void
foreign_destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

/* "float32", "bfloat16", "int8x4"; TEXT has room for 32. */
static const char *
dtype_name (adze_dtype dtype, char *text)
{
  static const char *const names[] = {
    [ADZE_INT] = "int",       [ADZE_UINT] = "uint",       [ADZE_FLOAT] = "float",
    [ADZE_OPAQUE] = "opaque", [ADZE_BFLOAT] = "bfloat",   [ADZE_COMPLEX] = "complex",
    [ADZE_BOOL] = "bool",
  };
  const char *name = dtype.code < ADZE_COUNT_OF (names) ? names[dtype.code] : "type";
  int size = snprintf (text, 32, "%s%u", name, dtype.bits);
  if (dtype.lanes != 1)
    snprintf (text + size, 32 - (size_t)size, "x%u", dtype.lanes);
  return text;
}

static adze_status
input_refuse (const adze_host *host, const adze_foreign_function *function,
              const adze_tensor *input)
{
  char type[32];
  const char *id = function->component->id;
  const char *name = input->name ? input->name : "";
  unsigned bits = (unsigned)function->element->size * 8;
  if (input->codec)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "'%s' takes plain float%u elements; tensor '%s' is encoded by %s", id, bits,
                      name, input->codec);
  const adze_view *view = &input->view;
  if (view->dtype.code != ADZE_FLOAT || view->dtype.bits != bits || view->dtype.lanes != 1)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "'%s' takes float%u elements; tensor '%s' has %s",
                      id, bits, name, dtype_name (view->dtype, type));
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "'%s' takes compact elements in the processor's memory; tensor '%s' is %s", id,
                    name, view->device.type == ADZE_DEVICE_CPU ? "strided" : "elsewhere");
}

static adze_status
foreign_apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const foreign_instance *self = instance;
  const adze_foreign_function *function = self->technique->kernel->function;
  if (input->codec
      || !adze_view_is (&input->view, ADZE_FLOAT, (unsigned)function->element->size * 8))
    return input_refuse (host, function, input);
  adze_view output;
  adze_status status = adze_call_output_like (host, call, input, &output);
  if (status != ADZE_OK)
    return status;
  size_t count = adze_view_count (&input->view);
  if (count == 0) /* then there may be no memory at all, and nobody to call */
    return ADZE_OK;
  adze_error *error
      = adze_foreign_technique_run (self->technique, host, self->slots,
                                    adze_view_data (&input->view), adze_view_data (&output), count);
  return error ? report (host, error) : ADZE_OK;
}

const adze_technique adze_foreign_callbacks = {
  .struct_size = sizeof (adze_technique),
  .effect = ADZE_CHANGES,
  .port_size = sizeof (adze_port),
  .create = foreign_create,
  .destroy = foreign_destroy,
  .apply = foreign_apply,
};
