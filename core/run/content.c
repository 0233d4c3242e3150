/* SPDX-License-Identifier: Apache-2.0 */
/* run/content.c: what things are made of: hashes of inputs, keys of segments. */
#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "run/execution.h"

/* ---- Inputs. */

/* Of several files the first stands for all: WHAT has the identities of the others; and which build of
 * which plugin reads them, since another one may well find something else in them. */
static adze_error *
what_of (adze_runtime *runtime, const adze_model *file, char **what)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  char build[ADZE_DIGEST_TEXT];
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_TRY (adze_find_component (runtime, file->format, &record, &component));
  ADZE_TRY (adze_record_build (record, build));
  adze_buffer_format (&text, "model %s %s", file->format, build);
  for (size_t i = 1; i < file->file_count; i++) {
    const adze_file_identity *id = &file->files[i].identity;
    adze_buffer_format (&text, " %" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRId64 ":%" PRId64,
                        id->device, id->inode, id->size, id->mtime_ns, id->ctime_ns);
  }
  return adze_buffer_finish (&text, what);
}

void
adze_identity_text (const adze_model *file, char text[ADZE_HASH_TEXT])
{
  adze_hash128 all = { 0 };
  for (size_t i = 0; i < file->file_count; i++) {
    struct {
      adze_hash128 before;
      adze_file_identity file;
    } link = { all, file->files[i].identity };
    all = adze_leaf_hash (&link, sizeof link);
  }
  adze_hash_text (all, text);
}

/* One tensor, in leaves. */
static adze_error *
hash_tensor (const adze_model *file, size_t number, adze_hash128 *hash)
{
  const adze_model_tensor *tensor = &file->tensors[number];
  uint64_t count = adze_leaf_count (&tensor->meta), bytes = tensor->meta.byte_size;
  uint64_t size = adze_piece_bytes (&tensor->meta, adze_leaf_elements (&tensor->meta));
  if (size > bytes)
    size = bytes;
  ADZE_AUTO_FREE adze_hash128 *leaves = calloc (count + 1, sizeof *leaves);
  ADZE_AUTO_FREE char *buffer = malloc (size + 1);
  if (!leaves || !buffer)
    return adze_error_memory ();
  for (uint64_t i = 0; i < count; i++) {
    uint64_t offset = i * size, part = bytes - offset < size ? bytes - offset : size;
    ADZE_TRY (adze_model_read (file, tensor, offset, buffer, part));
    leaves[i] = adze_leaf_hash (buffer, part);
  }
  *hash = adze_tensor_hash (tensor, leaves, count);
  return NULL;
}

typedef struct hash_job {
  const adze_model *file;
  adze_hash128 *hashes;
  const bool *known;
  atomic_bool *cancel;
  pthread_mutex_t lock;
  adze_error *error;
} hash_job;

static adze_status
hash_some (void *argument, size_t first, size_t last)
{
  hash_job *job = argument;
  for (size_t i = first; i < last; i++) {
    if (job->known && job->known[i])
      continue;
    adze_error *error = atomic_load (job->cancel)
                            ? adze_error_new (ADZE_E_CANCELLED, "somebody asked to stop")
                            : hash_tensor (job->file, i, &job->hashes[i]);
    if (!error)
      continue;
    adze_status status = adze_error_status (error);
    pthread_mutex_lock (&job->lock);
    if (job->error)
      adze_error_free (error);
    else
      job->error = error;
    pthread_mutex_unlock (&job->lock);
    return status;
  }
  return ADZE_OK;
}

/* All tensors of FILE but those that are KNOWN (NULL: none is). */
static adze_error *
hash_file (adze_runtime *runtime, const adze_model *file, adze_hash128 *hashes, const bool *known,
           adze_hash128 *hash)
{
  hash_job job = { .file = file, .hashes = hashes, .known = known, .cancel = &runtime->cancel };
  pthread_mutex_init (&job.lock, NULL);
  adze_status status = adze_pool_for (runtime->pool, NULL, file->count, 1, hash_some, &job);
  pthread_mutex_destroy (&job.lock);
  if (job.error)
    return job.error;
  if (status != ADZE_OK)
    return adze_error_memory ();
  *hash = adze_model_hash (file, hashes);
  return NULL;
}

adze_error *
adze_content_read (adze_runtime *runtime, const adze_model *file, adze_hash128 *hash)
{
  ADZE_AUTO_FREE adze_hash128 *hashes = calloc (file->count + 1, sizeof *hashes);
  return hashes ? hash_file (runtime, file, hashes, NULL, hash) : adze_error_memory ();
}

adze_error *
adze_content_settle (adze_execution *x, size_t number, adze_hash128 *hashes, const bool *known,
                     adze_hash128 *hash)
{
  const adze_model *file = x->plan->inputs[number]->file;
  ADZE_AUTO_FREE char *what = NULL;
  ADZE_TRY (what_of (x->plan->runtime, file, &what));
  ADZE_TRY (hash_file (x->plan->runtime, file, hashes, known, hash));
  if (file->file_count == 0)
    return NULL;
  return adze_known_put (x->folder, &file->files[0].identity, what, *hash);
}

adze_error *
adze_content_known (const adze_execution *x, size_t number, bool *known, adze_hash128 *hash)
{
  const adze_model *file = x->plan->inputs[number]->file;
  ADZE_AUTO_FREE char *what = NULL;
  ADZE_TRY (what_of (x->plan->runtime, file, &what));
  *known = file->file_count > 0
           && adze_known_get (x->folder, &file->files[0].identity, what, hash);
  return NULL;
}

adze_error *
adze_content_of_input (adze_execution *x, size_t number, bool read, bool *known,
                       adze_hash128 *hash)
{
  const adze_model *file = x->plan->inputs[number]->file;
  *known = false;
  if (!x->options.verify)
    ADZE_TRY (adze_content_known (x, number, known, hash));
  if (*known || !read)
    return NULL;
  ADZE_AUTO_FREE adze_hash128 *hashes = calloc (file->count + 1, sizeof *hashes);
  if (!hashes)
    return adze_error_memory ();
  *known = true;
  return adze_content_settle (x, number, hashes, NULL, hash);
}

/* ---- Keys. */

static adze_error *
add_rules (adze_execution *x, adze_key *key, const adze_plan_stage *planned)
{
  for (size_t i = 0; i < planned->stage->rule_count; i++) {
    const adze_pipeline_rule *rule = &planned->stage->rules[i];
    ADZE_AUTO_FREE char *prefix = adze_text_format ("%s/rule %zu", planned->stage->id, i + 1);
    if (!prefix)
      return adze_error_memory ();
    ADZE_TRY (adze_content_add (key, prefix, "match", rule->match));
    ADZE_TRY (adze_content_add (key, prefix, "skip", rule->skip ? "true" : "false"));
    ADZE_TRY (adze_content_settings (x, key, prefix, planned->stage->component, rule->settings,
                                     true));
  }
  return NULL;
}

/* A stage's model is what its segment's key stands for. */
static adze_error *
content_text (adze_execution *x, const adze_plan_model *model, bool by_identity,
              char text[ADZE_HASH_TEXT])
{
  adze_hash128 hash;
  bool known = false;
  if (model->stage != SIZE_MAX) {
    adze_hash_text (x->segment_keys[x->plan->stages[model->stage].segment], text);
    return NULL;
  }
  if (!by_identity) {
    ADZE_TRY (adze_content_of_input (x, model->input, true, &known, &hash));
    adze_hash_text (hash, text);
    return NULL;
  }
  adze_identity_text (model->file, text);
  return NULL;
}

/* For people: which stage gives what PORT of STAGE gets, in this segment or before it. */
static adze_error *
add_giver (adze_execution *x, adze_key *key, const char *stage, const char *port, size_t giver)
{
  ADZE_AUTO_FREE char *name = adze_text_format ("name.from.input.%s", port);
  return name ? adze_content_add (key, stage, name, x->plan->stages[giver].stage->id)
              : adze_error_memory ();
}

static adze_error *
add_inputs (adze_execution *x, adze_key *key, const adze_plan_segment *segment,
            const adze_plan_stage *planned, bool by_identity)
{
  for (size_t i = 0; i < planned->port_count; i++) {
    const adze_plan_port *port = &planned->ports[i];
    char text[ADZE_HASH_TEXT];
    bool inside = port->model && port->model->stage != SIZE_MAX
                  && port->model->stage >= segment->first;
    if (!port->model)
      continue;
    if (port->model->stage != SIZE_MAX)
      ADZE_TRY (add_giver (x, key, planned->stage->id, port->name, port->model->stage));
    if (inside)
      continue;
    ADZE_AUTO_FREE char *part = adze_text_format ("input.%s", port->name);
    ADZE_AUTO_FREE char *name = adze_text_format ("name.input.%s", port->name);
    if (!part || !name)
      return adze_error_memory ();
    ADZE_TRY (content_text (x, port->model, by_identity, text));
    ADZE_TRY (adze_content_add (key, planned->stage->id, part, text));
    if (port->model->input == SIZE_MAX)
      continue;
    ADZE_TRY (adze_content_add (
        key, planned->stage->id, name,
        adze_content_name (x, x->plan->pipeline->inputs[port->model->input].path)));
    ADZE_TRY (adze_content_reader (x, key, planned->stage->id, port->name, port->model->file));
  }
  return NULL;
}

/* What is bound to a port and is no model: an artifact counts by its bytes, what a stage gave by the
 * key of that stage, as models do. */
static adze_error *
add_binding (adze_execution *x, adze_key *key, const char *stage, const char *port,
             const adze_binding *binding)
{
  const struct adze_artifact *artifact
      = binding->origin == ADZE_FROM_INPUT ? x->plan->artifacts[binding->number] : NULL;
  char text[ADZE_HASH_TEXT];
  ADZE_AUTO_FREE char *part = adze_text_format ("input.%s", port);
  if (!part)
    return adze_error_memory ();
  if (binding->origin == ADZE_FROM_DATA)
    return adze_content_data (x, key, stage, port, &x->plan->pipeline->data[binding->number]);
  if (artifact) {
    ADZE_AUTO_FREE char *name = adze_text_format ("name.input.%s", port);
    if (!name)
      return adze_error_memory ();
    ADZE_TRY (adze_content_add (
        key, stage, name,
        adze_content_name (x, x->plan->pipeline->inputs[binding->number].path)));
    adze_hash_text (adze_leaf_hash (artifact->data, artifact->size), text);
    return adze_content_add (key, stage, part, text);
  }
  if (binding->origin != ADZE_FROM_STAGE || adze_plan_bound (x->plan, binding))
    return NULL;
  adze_hash_text (x->segment_keys[x->plan->stages[binding->number].segment], text);
  ADZE_AUTO_FREE char *from = adze_text_format ("%s %s", text, binding->port);
  if (!from)
    return adze_error_memory ();
  ADZE_TRY (adze_content_add (key, stage, part, from));
  return add_giver (x, key, stage, port, binding->number);
}

static adze_error *
add_bindings (adze_execution *x, adze_key *key, const adze_plan_stage *planned)
{
  size_t count;
  const adze_port *ports = adze_manifest_ports (planned->stage->component, &count);
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (add_binding (x, key, planned->stage->id, ports[i].name,
                           &planned->stage->bindings[i]));
  return NULL;
}

adze_error *
adze_content_output (adze_execution *x, adze_key *key, size_t number)
{
  const adze_pipeline_output *output = &x->plan->pipeline->outputs[number];
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_TRY (adze_find_component (x->plan->runtime, output->format, &record, &component));
  ADZE_TRY (adze_content_add (key, ADZE_KEY_OUTPUT, "path", output->path));
  ADZE_TRY (adze_content_add (key, ADZE_KEY_OUTPUT, "name.path",
                              adze_content_name (x, output->path)));
  ADZE_TRY (adze_content_add (key, ADZE_KEY_OUTPUT, "format", output->format));
  ADZE_TRY (adze_content_plugin (x, key, ADZE_KEY_OUTPUT, record));
  return adze_content_settings (x, key, ADZE_KEY_OUTPUT, component, output->settings, false);
}

/* Where the result is: in a file, among the results, or nowhere. */
static adze_error *
add_place (adze_execution *x, adze_key *key, const adze_plan_segment *segment)
{
  if (segment->result)
    ADZE_TRY (adze_content_add (key, NULL, "name.kept",
                                x->plan->stages[segment->result->stage].stage->id));
  ADZE_TRY (adze_content_add (key, NULL, "kept", segment->output != SIZE_MAX ? "file"
                                                 : segment->result           ? "result"
                                                                             : "nowhere"));
  return segment->output != SIZE_MAX ? adze_content_output (x, key, segment->output) : NULL;
}

static adze_error *
add_stages (adze_execution *x, adze_key *key, const adze_plan_segment *segment)
{
  ADZE_AUTO (adze_buffer) ids = { 0 };
  ADZE_AUTO_FREE char *text = NULL;
  for (size_t i = 0; i < segment->count; i++)
    adze_buffer_format (&ids, "%s%s", i ? ", " : "",
                        x->plan->stages[segment->first + i].stage->id);
  ADZE_TRY (adze_buffer_finish (&ids, &text));
  return adze_content_add (key, NULL, "stage", text);
}

/* Codecs that the technique chose itself: which they are follows from all else, which builds does not. */
static adze_error *
add_codecs (adze_execution *x, adze_key *key, const adze_plan_stage *planned)
{
  const adze_value *ids = planned->outline.codecs;
  for (size_t i = 0; ids && i < ids->count; i++) {
    adze_plugin_record *record;
    const adze_manifest_component *component;
    ADZE_AUTO_FREE char *prefix
        = adze_text_format ("%s/codec %s", planned->stage->id, ids->items[i]->string);
    if (!prefix)
      return adze_error_memory ();
    ADZE_TRY (adze_find_component (x->plan->runtime, ids->items[i]->string, &record, &component));
    ADZE_TRY (adze_content_plugin (x, key, prefix, record));
  }
  return NULL;
}

static adze_error *
add_stage (adze_execution *x, adze_key *key, const adze_plan_segment *segment,
           const adze_plan_stage *planned, bool by_identity)
{
  const char *id = planned->stage->id;
  ADZE_TRY (adze_content_add (key, id, "technique", planned->stage->use));
  ADZE_TRY (adze_content_plugin (x, key, id, planned->stage->record));
  ADZE_TRY (adze_content_settings (x, key, id, planned->stage->component,
                                   planned->stage->settings, false));
  ADZE_TRY (add_rules (x, key, planned));
  ADZE_TRY (add_codecs (x, key, planned));
  ADZE_TRY (add_inputs (x, key, segment, planned, by_identity));
  ADZE_TRY (add_bindings (x, key, planned));
  return adze_compute_key (x, key, planned);
}

adze_error *
adze_content_key (adze_execution *x, const adze_plan_segment *segment, bool by_identity,
                  adze_key *key)
{
  ADZE_TRY (add_stages (x, key, segment));
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &x->plan->stages[segment->first + i];
    adze_error *error = add_stage (x, key, segment, planned, by_identity);
    if (!error)
      continue;
    adze_error_set (error, "stage", planned->stage->id);
    return error;
  }
  ADZE_AUTO_FREE char *seed = adze_text_format ("%" PRIu64, x->plan->pipeline->seed);
  if (!seed)
    return adze_error_memory ();
  ADZE_TRY (adze_content_add (key, NULL, "seed", seed));
  ADZE_TRY (adze_content_add (key, NULL, "adze", adze_version ()));
  return add_place (x, key, segment);
}
