/* SPDX-License-Identifier: Apache-2.0 */
/* run/rehearse.c: stages that take whole artifacts get ready as for a run, and do nothing: how much
 * memory that takes, and what is wrong with it, is known in front of the run then. Nothing is kept,
 * given or told, and nothing is on disk afterwards that was not there before.
 *
 * A stage that computes nothing may come to its end, as one that builds a network does. For the sake of
 * the stages behind it a plan keeps the model that it has given, in memory. One that is stopped, and says
 * that its model has the network of the one that came in, is taken to give that one. */
#define _GNU_SOURCE 1 /* memfd_create */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/peak.h"
#include "run/execution.h"
#include "run/sink.h"
#include "stage/run_hooks.h"

typedef struct rehearsal {
  const adze_plan *plan;
  const adze_plan_stage *planned;
  adze_whole_inputs inputs;
  adze_networks *networks; /* NULL: it computes with none so far */
  bool foresees;           /* the model that it gives is wanted */
  adze_whole_given given;
  adze_networks_needs needs;
} rehearsal;

static void
rehearsal_cleanup (rehearsal *r)
{
  adze_whole_inputs_cleanup (&r->inputs);
  adze_networks_close (r->networks);
  adze_whole_given_cleanup (&r->given);
}

/* ---- What stands behind adze.run/1. */

static void
look (rehearsal *r)
{
  uint64_t bytes = adze_resident_memory ();
  if (r->networks)
    adze_networks_look (r->networks);
  else if (bytes > r->needs.peak)
    r->needs.peak = bytes;
}

static adze_error *
hook_input (void *context, const char *port, struct adze_artifact **artifact)
{
  rehearsal *r = context;
  return adze_whole_input (&r->inputs, port, artifact);
}

/* A file without a place on disk: what is written to it is not resident, as in a run. */
static adze_error *
open_given (adze_whole_given *given)
{
  if (given->model)
    return NULL;
  ADZE_TRY (adze_model_new (&given->model));
  given->fd = memfd_create ("adze-rehearsal", MFD_CLOEXEC);
  if (given->fd < 0)
    return adze_error_errno ("cannot make a file in memory");
  given->path = adze_text_format ("/proc/self/fd/%d", given->fd);
  return given->path ? NULL : adze_error_memory ();
}

static adze_error *
hook_give_tensor (void *context, const char *port, const adze_tensor_meta *meta, const void *data)
{
  rehearsal *r = context;
  look (r);
  ADZE_TRY (adze_whole_port (r->planned, port, true));
  if (!r->foresees)
    return NULL;
  ADZE_TRY (open_given (&r->given));
  return adze_whole_given_tensor (&r->given, meta, data);
}

static adze_error *
hook_give_bytes (void *context, const char *port, const void *data, size_t size)
{
  (void)port;
  (void)data;
  (void)size;
  look (context);
  return NULL;
}

static adze_error *
hook_give_part (void *context, const char *port, const char *id, const void *data, size_t size)
{
  rehearsal *r = context;
  look (r);
  ADZE_TRY (adze_whole_port (r->planned, port, true));
  if (!r->foresees)
    return NULL;
  ADZE_TRY (open_given (&r->given));
  return adze_model_add_part (r->given.model, id, data, size);
}

/* Nothing is held against what a rehearsal gives. */
static adze_error *
hook_claim (void *context, const char *port, const char *tensor, const char *id, const adze_value *trait)
{
  const rehearsal *r = context;
  (void)tensor;
  (void)id;
  (void)trait;
  return adze_whole_port (r->planned, port, true);
}

static adze_error *
hook_save (void *context, const char *name, const void *data, size_t size)
{
  return hook_give_bytes (context, name, data, size);
}

static adze_error *
hook_load (void *context, const char *name, void **data, size_t *size)
{
  (void)context;
  (void)name;
  *data = NULL;
  *size = 0;
  return NULL;
}

static bool
hook_progress (void *context, uint64_t done, uint64_t total)
{
  rehearsal *r = context;
  (void)done;
  (void)total;
  look (r);
  return !atomic_load (&r->plan->runtime->cancel);
}

static adze_error *
hook_networks (void *context, adze_networks **networks)
{
  rehearsal *r = context;
  *networks = NULL;
  if (!r->networks) {
    ADZE_TRY (adze_compute_open (r->plan, r->planned, &r->networks));
    adze_networks_rehearse (r->networks, &r->needs);
  }
  *networks = r->networks;
  return NULL;
}

static adze_error *
hook_compute (void *context, adze_run_compute *compute)
{
  const rehearsal *r = context;
  adze_compute_wish (r->plan, r->planned, true, compute);
  return NULL;
}

static const adze_run_hooks hooks = {
  hook_input, hook_give_tensor, hook_give_bytes, hook_save, hook_load, hook_progress,
  hook_networks, hook_give_part, hook_claim, hook_compute, true,
};

/* ---- One stage. */

/* Is all there that it takes? */
static bool
can_begin (const adze_plan *plan, const adze_plan_stage *planned)
{
  size_t count;
  const adze_port *ports = adze_manifest_ports (planned->stage->component, &count);
  if (!planned->facts->rehearses)
    return false;
  for (size_t i = 0; i < count; i++) {
    const adze_binding *binding = &planned->stage->bindings[i];
    const adze_plan_model *model;
    if (ports[i].direction != ADZE_PORT_IN)
      continue;
    model = adze_plan_bound (plan, binding);
    if (model ? !model->file : binding->origin == ADZE_FROM_STAGE)
      return false;
  }
  return true;
}

/* Being stopped is how it ends; some have nothing to compute and end by themselves. */
static adze_error *
settle (const rehearsal *r, adze_error *error)
{
  const adze_pipeline_stage *stage = r->planned->stage;
  if (atomic_load (&r->plan->runtime->cancel)) {
    adze_error_free (error);
    return adze_error_new (ADZE_E_CANCELLED, "somebody asked to stop");
  }
  if (adze_error_status (error) == ADZE_E_CANCELLED) {
    adze_error_free (error);
    return NULL;
  }
  return error ? adze_plan_error (r->plan, stage->table, error, "stage '%s' cannot run", stage->id)
               : NULL;
}

/* A model that came whole is there for the stages behind it, as if it had run. */
static adze_error *
foresee (adze_plan *plan, adze_plan_stage *planned, const adze_whole_given *given)
{
  ADZE_AUTO_MODEL file = NULL;
  if (ftruncate (given->fd, (off_t)given->end) != 0)
    return adze_error_errno ("cannot finish a file in memory");
  ADZE_TRY (adze_store_open (given->path, given->model, &file));
  ADZE_TRY (adze_whole_settle (planned, adze_take (&file)));
  return adze_plan_describe_from (plan, planned->number + 1);
}

/* The files once more, since each model closes its own. */
static adze_error *
open_files (const adze_model *from, adze_model *again)
{
  again->files = calloc (from->file_count + 1, sizeof *again->files);
  if (!again->files)
    return adze_error_memory ();
  for (size_t i = 0; i < from->file_count; i++) {
    adze_model_file *file = &again->files[again->file_count++];
    *file = (adze_model_file){ .path = strdup (from->files[i].path),
                               .fd = fcntl (from->files[i].fd, F_DUPFD_CLOEXEC, 0),
                               .identity = from->files[i].identity };
    if (!file->path)
      return adze_error_memory ();
    if (file->fd < 0)
      return adze_error_errno ("cannot open %s once more", file->path);
  }
  return NULL;
}

static adze_error *
open_tensor (const adze_model_tensor *from, adze_model *again)
{
  adze_model_tensor *added;
  size_t size = (size_t)from->meta.byte_size;
  ADZE_TRY (adze_model_add (again, &from->meta, &added));
  added->file = from->file;
  added->offset = from->offset;
  if (!from->data)
    return NULL;
  added->data = malloc (size + 1);
  if (!added->data)
    return adze_error_memory ();
  memcpy (added->data, from->data, size);
  return NULL;
}

/* The model that came in stands for the one that will be given: only numbers will be others. */
static adze_error *
foresee_network (adze_plan *plan, adze_plan_stage *planned)
{
  ADZE_AUTO_MODEL again = NULL;
  const adze_model *from = planned->ports[0].model->file;
  ADZE_TRY (adze_model_new (&again));
  ADZE_TRY (open_files (from, again));
  for (size_t i = 0; i < from->count; i++)
    ADZE_TRY (open_tensor (&from->tensors[i], again));
  ADZE_TRY (adze_model_copy_parts (from, again));
  ADZE_TRY (adze_whole_settle (planned, adze_take (&again)));
  return adze_plan_describe_from (plan, planned->number + 1);
}

static bool
keeps_network (const rehearsal *r)
{
  const adze_plan_stage *planned = r->planned;
  return r->foresees && planned->facts->keeps_network && planned->output && planned->port_count > 0
         && planned->ports[0].model && planned->ports[0].model->file;
}

static adze_error *
rehearse (adze_plan *plan, adze_plan_stage *planned, bool foresees, adze_networks_needs *needs)
{
  __attribute__ ((cleanup (rehearsal_cleanup))) rehearsal r = { .plan = plan,
                                                                .planned = planned,
                                                                .foresees = foresees,
                                                                .given = { .fd = -1 } };
  adze_event_mute mute;
  ADZE_TRY (adze_whole_inputs_open (plan, planned, NULL, &r.inputs));
  adze_event_bus_mute (plan->runtime->bus, &mute);
  adze_error *error = adze_instance_run (planned->instance, &hooks, &r);
  adze_event_bus_unmute (plan->runtime->bus, &mute);
  bool whole = !error && r.given.model, stopped = adze_error_status (error) == ADZE_E_CANCELLED;
  ADZE_TRY (settle (&r, error));
  look (&r);
  *needs = r.needs;
  if (whole)
    return foresee (plan, planned, &r.given);
  return stopped && keeps_network (&r) ? foresee_network (plan, planned) : NULL;
}

static adze_error *
rehearse_segment (adze_plan *plan, size_t number, bool foresees)
{
  adze_plan_segment *segment = &plan->segments[number];
  adze_plan_stage *planned = &plan->stages[segment->first];
  adze_networks_needs needs = { 0 };
  if (!segment->whole || segment->known || !can_begin (plan, planned))
    return NULL;
  ADZE_TRY (rehearse (plan, planned, foresees, &needs));
  planned->delegates = needs.delegated;
  /* What an isolated one takes is not taken here. */
  if (!planned->facts->isolated)
    segment->resident = needs.peak * (1 + needs.workers);
  return NULL;
}

/* In front of the stage itself, which gives its model soon enough. */
adze_error *
adze_rehearse_segment (adze_plan *plan, size_t number)
{
  return rehearse_segment (plan, number, false);
}

/* ---- All that can be. */

adze_error *
adze_plan_rehearse (adze_plan *plan)
{
  ADZE_LOCKED (plan->runtime);
  for (size_t i = 0; i < plan->segment_count; i++)
    ADZE_TRY (rehearse_segment (plan, i, true));
  ADZE_TRY (adze_plan_check_outputs (plan));
  return adze_plan_fit (plan);
}
