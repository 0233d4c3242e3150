/* SPDX-License-Identifier: Apache-2.0 */
/* run/whole.c: stages that take whole artifacts: what stands behind adze.run/1.
 *
 * Tensors that are given go to a file of the store, one after the other; other artifacts stay in
 * memory until all of it is kept (whole_keep.c). */
#include <fcntl.h>
#include <string.h>

#include "run/execution.h"
#include "stage/run_hooks.h"

typedef struct whole_state {
  adze_execution *x;
  size_t number; /* of the stage */
  adze_plan_stage *planned;
  adze_key key, before; /* of the result and of the journal, before the stage could read anything */
  adze_hash128 journal;
  adze_whole_inputs inputs;
  adze_whole_given given; /* the model, in a file that has no name of its own yet */
  char *path;             /* that it gets */
  adze_networks *networks; /* NULL: it computes with none so far */
  size_t segment;
  bool changed; /* it did something */
} whole_state;

static void
whole_state_cleanup (whole_state *s)
{
  adze_whole_inputs_cleanup (&s->inputs);
  adze_key_cleanup (&s->key);
  adze_key_cleanup (&s->before);
  adze_networks_close (s->networks);
  if (s->given.fd >= 0)
    unlink (s->given.path);
  adze_whole_given_cleanup (&s->given);
  free (s->path);
}

static adze_error *
hook_input (void *context, const char *port, struct adze_artifact **artifact)
{
  whole_state *s = context;
  return adze_whole_input (&s->inputs, port, artifact);
}

/* ---- What comes out. */

static adze_error *
open_store (whole_state *s)
{
  adze_whole_given *given = &s->given;
  ADZE_TRY (adze_model_new (&given->model));
  ADZE_TRY (adze_result_path (s->x->folder, s->journal, "data", &s->path));
  given->path = adze_text_format ("%s.part", s->path);
  ADZE_AUTO_FREE char *folder = strndup (s->path, (size_t)(adze_path_base (s->path) - s->path));
  if (!given->path || !folder)
    return adze_error_memory ();
  ADZE_TRY (adze_folder_make (folder));
  given->fd = open (given->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  return given->fd >= 0 ? NULL : adze_error_errno ("cannot make %s", given->path);
}

static adze_error *
hook_give_tensor (void *context, const char *port, const adze_tensor_meta *meta, const void *data)
{
  whole_state *s = context;
  ADZE_TRY (adze_whole_port (s->planned, port, true));
  if (!s->given.model)
    ADZE_TRY (open_store (s));
  return adze_whole_given_tensor (&s->given, meta, data);
}

static adze_error *
hook_give_bytes (void *context, const char *port, const void *data, size_t size)
{
  whole_state *s = context;
  adze_execution *x = s->x;
  size_t count = x->given_count[s->number];
  ADZE_TRY (adze_whole_port (s->planned, port, false));
  for (size_t i = 0; i < count; i++)
    if (strcmp (x->given[s->number][i].port, port) == 0)
      return adze_error_new (ADZE_E_CONTRACT, "'%s' gave something to '%s' twice",
                             s->planned->stage->use, port);
  adze_given *more = realloc (x->given[s->number], (count + 1) * sizeof *more);
  if (!more)
    return adze_error_memory ();
  x->given[s->number] = more;
  struct adze_artifact *artifact = calloc (1, sizeof *artifact);
  if (!artifact)
    return adze_error_memory ();
  more[count] = (adze_given){ .port = strdup (port), .artifact = artifact };
  x->given_count[s->number]++;
  const adze_port *ports = adze_manifest_ports (s->planned->stage->component, &count);
  for (size_t i = 0; i < count; i++)
    if (ports[i].direction == ADZE_PORT_OUT && strcmp (ports[i].name, port) == 0)
      artifact->type = strdup (ports[i].type);
  artifact->data = malloc (size + 1);
  if (!artifact->data || !artifact->type || !more[x->given_count[s->number] - 1].port)
    return adze_error_memory ();
  memcpy (artifact->data, data, size);
  artifact->data[size] = '\0';
  artifact->size = size;
  return adze_artifact_check (artifact->type, port, artifact->data, size);
}

static adze_error *
hook_give_part (void *context, const char *port, const char *id, const void *data, size_t size)
{
  whole_state *s = context;
  ADZE_TRY (adze_whole_port (s->planned, port, true));
  if (!s->given.model)
    ADZE_TRY (open_store (s));
  return adze_model_add_part (s->given.model, id, data, size);
}

/* It lies with the tensor until what it says is verified. */
static adze_error *
hook_claim (void *context, const char *port, const char *tensor, const char *id, const adze_value *trait)
{
  whole_state *s = context;
  adze_model *given = s->given.model;
  ADZE_TRY (adze_whole_port (s->planned, port, true));
  for (size_t i = 0; given && i < given->count; i++) {
    adze_model_tensor *found = &given->tensors[i];
    if (strcmp (found->meta.name, tensor) != 0)
      continue;
    if (adze_value_get (found->traits, id))
      return adze_error_new (ADZE_E_CONTRACT, "'%s' says the trait '%s' of '%s' twice", s->planned->stage->use, id,
                             tensor);
    found->traits = found->traits ? found->traits : adze_value_new (ADZE_VALUE_TABLE);
    adze_value *copy = found->traits ? adze_value_copy (trait) : NULL;
    return copy ? adze_value_append (found->traits, id, copy) : adze_error_memory ();
  }
  return adze_error_new (ADZE_E_CONTRACT, "'%s' says the trait '%s' of '%s', which it has not given",
                         s->planned->stage->use, id, tensor);
}

/* ---- Networks. */

static adze_error *
hook_networks (void *context, adze_networks **networks)
{
  whole_state *s = context;
  *networks = NULL;
  if (!s->networks)
    ADZE_TRY (adze_compute_open (s->x->plan, s->planned, &s->networks));
  *networks = s->networks;
  return NULL;
}

static adze_error *
hook_compute (void *context, adze_run_compute *compute)
{
  const whole_state *s = context;
  adze_compute_wish (s->x->plan, s->planned, false, compute);
  return NULL;
}

/* ---- Checkpoints, and being watched. */

static adze_error *
checkpoint_name (const char *name, char **text)
{
  *text = adze_text_format ("checkpoint.%s", name);
  return *text ? NULL : adze_error_memory ();
}

static adze_error *
hook_save (void *context, const char *name, const void *data, size_t size)
{
  whole_state *s = context;
  ADZE_AUTO_FREE char *full = NULL;
  ADZE_TRY (checkpoint_name (name, &full));
  return adze_journal_note (s->x->folder, s->journal, full, data, size);
}

static adze_error *
hook_load (void *context, const char *name, void **data, size_t *size)
{
  whole_state *s = context;
  ADZE_AUTO_FREE char *full = NULL;
  ADZE_TRY (checkpoint_name (name, &full));
  return adze_journal_noted (s->x->folder, s->journal, full, data, size);
}

static bool
hook_progress (void *context, uint64_t done, uint64_t total)
{
  whole_state *s = context;
  const adze_field fields[] = {
    ADZE_FIELD_NUMBER ("segment", (int64_t)s->segment),
    ADZE_FIELD_NUMBER ("done", (int64_t)done),
    ADZE_FIELD_NUMBER ("bytes", (int64_t)total),
  };
  adze_tell (s->x, s->planned->stage->id, "segment.progress", fields, ADZE_COUNT_OF (fields));
  return !atomic_load (s->x->cancel);
}

static const adze_run_hooks hooks = {
  hook_input, hook_give_tensor, hook_give_bytes, hook_save, hook_load, hook_progress,
  hook_networks, hook_give_part, hook_claim, hook_compute, false,
};

/* ---- The result. */

/* A report tells what was done, and be it nothing. */
static bool
gave_more (const whole_state *s)
{
  for (size_t i = 0; i < s->x->given_count[s->number]; i++)
    if (strcmp (s->x->given[s->number][i].artifact->type, ADZE_TYPE_REPORT) != 0)
      return true;
  return false;
}

/* FILE has the same tensors in the same order. */
static void
hand_claims (const adze_model *given, adze_model *file)
{
  for (size_t i = 0; i < file->count; i++)
    file->tensors[i].traits = adze_take (&given->tensors[i].traits);
}

/* Is the model what the stage has promised? Something else that it gave is something done as well. */
static adze_error *
check_model (whole_state *s, adze_model *file)
{
  ADZE_TRY (adze_whole_verify (s->x, s->number, file, &s->changed));
  s->changed = s->changed || gave_more (s);
  return s->changed || s->planned->facts->effect != ADZE_CHANGES
             ? NULL
             : adze_nothing_changed (s->x, s->planned);
}

/* The file of the store gets its name, and becomes the stage's output. */
static adze_error *
settle_model (whole_state *s)
{
  ADZE_AUTO_MODEL file = NULL;
  if (!s->given.model)
    return adze_error_new (ADZE_E_CONTRACT, "stage '%s' ended and gave no model",
                           s->planned->stage->id);
  if (ftruncate (s->given.fd, (off_t)s->given.end) != 0 || fsync (s->given.fd) != 0
      || rename (s->given.path, s->path) != 0)
    return adze_error_errno ("cannot finish %s", s->path);
  close (s->given.fd);
  s->given.fd = -1;
  ADZE_TRY (adze_store_open (s->path, s->given.model, &file));
  hand_claims (s->given.model, file);
  adze_error *error = check_model (s, file);
  if (!error)
    return adze_whole_settle (s->planned, adze_take (&file));
  unlink (s->path);
  return error;
}

static adze_error *
open_state (whole_state *s)
{
  const adze_plan_segment *segment = &s->x->plan->segments[s->segment];
  ADZE_TRY (adze_whole_inputs_open (s->x->plan, s->planned, s->x, &s->inputs));
  ADZE_TRY (adze_content_key (s->x, segment, false, &s->key));
  ADZE_TRY (adze_content_key (s->x, segment, true, &s->before));
  s->journal = adze_key_hash (&s->before);
  return adze_stages_stand (s->x, segment);
}

static adze_error *
keep_result (whole_state *s)
{
  adze_execution *x = s->x;
  ADZE_TRY (adze_content_stands (x, true));
  ADZE_TRY (adze_segment_stands (x, &x->plan->segments[s->segment], &s->before));
  x->segment_keys[s->segment] = adze_key_hash (&s->key);
  if (s->planned->output)
    ADZE_TRY (settle_model (s));
  ADZE_TRY (adze_whole_keep (x, s->segment, &s->key, s->planned->output ? s->given.model : NULL,
                             s->changed));
  return adze_journal_forget (x->folder, s->journal);
}

adze_error *
adze_whole_run (adze_execution *x, size_t segment)
{
  size_t number = x->plan->segments[segment].first;
  ADZE_AUTO (whole_state) s = { .x = x,
                                .number = number,
                                .planned = &x->plan->stages[number],
                                .given = { .fd = -1 },
                                .segment = segment,
                                .changed = true };
  ADZE_TRY (open_state (&s));
  adze_told_forget (x->told, s.planned->stage->id);
  adze_told_at_work (x->told, true);
  adze_error *error = adze_instance_run (s.planned->instance, &hooks, &s);
  adze_told_at_work (x->told, false);
  if (error)
    return error;
  if (atomic_load (x->cancel))
    return adze_error_new (ADZE_E_CANCELLED, "somebody asked to stop");
  ADZE_TRY (adze_fallbacks_check (x, &x->plan->segments[segment], true));
  ADZE_TRY (keep_result (&s));
  return adze_plan_describe_from (x->plan, number + 1);
}
