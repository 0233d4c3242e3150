/* SPDX-License-Identifier: Apache-2.0 */
/* run/content.c: what things are made of: hashes of inputs, keys of segments. */
#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "run/execution.h"

/* ---- Inputs. */

/* Of several files the first stands for all: WHAT has the identities of the others. */
static char *
what_of (const adze_model *file)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_buffer_format (&text, "model %s", file->format ? file->format : "");
  for (size_t i = 1; i < file->file_count; i++) {
    const adze_file_identity *id = &file->files[i].identity;
    adze_buffer_format (&text, " %" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRId64 ":%" PRId64,
                        id->device, id->inode, id->size, id->mtime_ns, id->ctime_ns);
  }
  char *what = NULL;
  adze_error_free (adze_buffer_finish (&text, &what));
  return what;
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

adze_error *
adze_content_settle (adze_execution *x, size_t number, adze_hash128 *hashes, const bool *known,
                     adze_hash128 *hash)
{
  const adze_model *file = x->plan->inputs[number]->file;
  ADZE_AUTO_FREE char *what = what_of (file);
  hash_job job = { .file = file, .hashes = hashes, .known = known, .cancel = x->cancel };
  if (!what)
    return adze_error_memory ();
  pthread_mutex_init (&job.lock, NULL);
  adze_status status
      = adze_pool_for (x->plan->runtime->pool, NULL, file->count, 1, hash_some, &job);
  pthread_mutex_destroy (&job.lock);
  if (job.error)
    return job.error;
  if (status != ADZE_OK)
    return adze_error_memory ();
  *hash = adze_model_hash (file, hashes);
  if (file->file_count == 0)
    return NULL;
  return adze_known_put (x->folder, &file->files[0].identity, what, *hash);
}

adze_error *
adze_content_of_input (adze_execution *x, size_t number, bool read, bool *known,
                       adze_hash128 *hash)
{
  const adze_model *file = x->plan->inputs[number]->file;
  ADZE_AUTO_FREE char *what = what_of (file);
  if (!what)
    return adze_error_memory ();
  *known = !x->options.verify && file->file_count > 0
           && adze_known_get (x->folder, &file->files[0].identity, what, hash);
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
add (adze_key *key, const char *stage, const char *part, const char *value)
{
  ADZE_AUTO_FREE char *name
      = stage ? adze_text_format ("%s/%s", stage, part) : strdup (part);
  return name ? adze_key_add (key, name, value) : adze_error_memory ();
}

static adze_error *
add_value (adze_key *key, const char *stage, const char *kind, const char *name,
           const adze_value *value)
{
  ADZE_AUTO_FREE char *part = adze_text_format ("%s.%s", kind, name);
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_AUTO_FREE char *shown = NULL;
  if (!part)
    return adze_error_memory ();
  adze_value_write_toml (value, &text);
  ADZE_TRY (adze_buffer_finish (&text, &shown));
  return add (key, stage, part, shown);
}

static adze_error *
add_plugin (adze_key *key, const char *stage, const adze_plugin_record *record)
{
  const adze_manifest *manifest = record->manifest;
  ADZE_AUTO_FREE char *plugin
      = adze_text_format ("%s %s", manifest->id, manifest->version ? manifest->version : "");
  if (!plugin)
    return adze_error_memory ();
  ADZE_TRY (add (key, stage, "plugin", plugin));
  if (record->builtin)
    return add (key, stage, "build", adze_version ());
  char digest[ADZE_DIGEST_TEXT];
  ADZE_TRY (adze_digest_file (record->path, digest));
  return add (key, stage, "build", digest);
}

/* A file counts by what is in it. */
static adze_error *
add_file (adze_key *key, const adze_plan *plan, const char *stage, const adze_value *value)
{
  char digest[ADZE_DIGEST_TEXT];
  if (value->type != ADZE_VALUE_STRING || value->string_size == 0)
    return NULL;
  ADZE_AUTO_FREE char *path = value->string[0] == '/'
                                  ? strdup (value->string)
                                  : adze_text_format ("%s/%s", plan->pipeline->folder,
                                                      value->string);
  ADZE_AUTO_FREE char *part = adze_text_format ("file.%s", value->key);
  if (!path || !part)
    return adze_error_memory ();
  ADZE_TRY (adze_digest_file (path, digest));
  return add (key, stage, part, digest);
}

static bool
is_file (const adze_manifest_component *component, const char *name)
{
  for (size_t i = 0; i < component->param_count; i++)
    if (strcmp (component->params[i].name, name) == 0)
      return component->params[i].type == ADZE_PARAM_FILE;
  return false;
}

static adze_error *
add_settings (adze_key *key, const adze_plan *plan, const adze_plan_stage *planned,
              const char *prefix, const adze_value *settings)
{
  for (size_t i = 0; settings && i < settings->count; i++) {
    const adze_value *value = settings->items[i];
    if (is_file (planned->stage->component, value->key))
      ADZE_TRY (add_file (key, plan, prefix, value));
    else
      ADZE_TRY (add_value (key, prefix, "param", value->key, value));
  }
  return NULL;
}

static adze_error *
add_rules (adze_key *key, const adze_plan *plan, const adze_plan_stage *planned)
{
  for (size_t i = 0; i < planned->stage->rule_count; i++) {
    const adze_pipeline_rule *rule = &planned->stage->rules[i];
    ADZE_AUTO_FREE char *prefix = adze_text_format ("%s/rule %zu", planned->stage->id, i + 1);
    if (!prefix)
      return adze_error_memory ();
    ADZE_TRY (add (key, prefix, "match", rule->match));
    ADZE_TRY (add (key, prefix, "skip", rule->skip ? "true" : "false"));
    ADZE_TRY (add_settings (key, plan, planned, prefix, rule->settings));
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

static adze_error *
add_inputs (adze_execution *x, adze_key *key, const adze_plan_segment *segment,
            const adze_plan_stage *planned, bool by_identity)
{
  for (size_t i = 0; i < planned->port_count; i++) {
    const adze_plan_port *port = &planned->ports[i];
    char text[ADZE_HASH_TEXT];
    bool inside = port->model && port->model->stage != SIZE_MAX
                  && port->model->stage >= segment->first;
    if (!port->model || inside)
      continue;
    ADZE_AUTO_FREE char *part = adze_text_format ("input.%s", port->name);
    ADZE_AUTO_FREE char *name = adze_text_format ("name.input.%s", port->name);
    if (!part || !name)
      return adze_error_memory ();
    ADZE_TRY (content_text (x, port->model, by_identity, text));
    ADZE_TRY (add (key, planned->stage->id, part, text));
    if (port->model->input != SIZE_MAX)
      ADZE_TRY (add (key, planned->stage->id, name,
                     adze_path_base (port->model->file->path)));
  }
  return NULL;
}

/* Artifacts other than models, and data, that a stage with run takes. */
static adze_error *
add_bindings (adze_execution *x, adze_key *key, const adze_plan_stage *planned)
{
  const adze_pipeline *pipeline = x->plan->pipeline;
  size_t count;
  const adze_port *ports = adze_manifest_ports (planned->stage->component, &count);
  for (size_t i = 0; i < count; i++) {
    const adze_binding *binding = &planned->stage->bindings[i];
    char text[ADZE_HASH_TEXT];
    ADZE_AUTO_FREE char *part = adze_text_format ("input.%s", ports[i].name);
    if (!part)
      return adze_error_memory ();
    if (binding->origin == ADZE_FROM_INPUT && x->plan->artifacts[binding->number]) {
      const struct adze_artifact *artifact = x->plan->artifacts[binding->number];
      adze_hash_text (adze_leaf_hash (artifact->data, artifact->size), text);
      ADZE_TRY (add (key, planned->stage->id, part, text));
    } else if (binding->origin == ADZE_FROM_DATA) {
      ADZE_AUTO (adze_buffer) shown = { 0 };
      ADZE_AUTO_FREE char *table = NULL;
      adze_value_write_toml (pipeline->data[binding->number].table, &shown);
      ADZE_TRY (adze_buffer_finish (&shown, &table));
      ADZE_TRY (add (key, planned->stage->id, part, table));
    }
  }
  return NULL;
}

static adze_error *
add_output (adze_execution *x, adze_key *key, const adze_plan_segment *segment)
{
  if (segment->output == SIZE_MAX)
    return add (key, NULL, "output", segment->result ? "store" : "none");
  const adze_pipeline_output *output = &x->plan->pipeline->outputs[segment->output];
  adze_plugin_record *record;
  const adze_manifest_component *component;
  ADZE_TRY (adze_find_component (x->plan->runtime, output->format, &record, &component));
  ADZE_TRY (add (key, NULL, "output", output->path));
  ADZE_TRY (add (key, NULL, "format", output->format));
  ADZE_TRY (add_plugin (key, "format", record));
  for (size_t i = 0; output->settings && i < output->settings->count; i++)
    ADZE_TRY (add_value (key, NULL, "format", output->settings->items[i]->key,
                         output->settings->items[i]));
  return NULL;
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
  return add (key, NULL, "stage", text);
}

adze_error *
adze_content_key (adze_execution *x, const adze_plan_segment *segment, bool by_identity,
                  adze_key *key)
{
  ADZE_TRY (add_stages (x, key, segment));
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &x->plan->stages[segment->first + i];
    const char *id = planned->stage->id;
    ADZE_TRY (add (key, id, "technique", planned->stage->use));
    ADZE_TRY (add_plugin (key, id, planned->stage->record));
    ADZE_TRY (add_settings (key, x->plan, planned, id, planned->stage->settings));
    ADZE_TRY (add_rules (key, x->plan, planned));
    ADZE_TRY (add_inputs (x, key, segment, planned, by_identity));
    ADZE_TRY (add_bindings (x, key, planned));
  }
  ADZE_AUTO_FREE char *seed = adze_text_format ("%" PRIu64, x->plan->pipeline->seed);
  if (!seed)
    return adze_error_memory ();
  ADZE_TRY (add (key, NULL, "seed", seed));
  ADZE_TRY (add (key, NULL, "adze", adze_version ()));
  return add_output (x, key, segment);
}
