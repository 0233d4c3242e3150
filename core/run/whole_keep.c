/* SPDX-License-Identifier: Apache-2.0 */
/* run/whole_keep.c: what a stage with run gave, kept among the results, and taken over by a later run:
 *
 *   KEY.gave          JSON { tensors, told }: what the model's tensors are, with their traits, and all
 *                     that it told
 *   KEY.gave.PORT     the bytes that it gave to a port
 *   KEY.part.N        a part of the model that it gave beside the tensors: what it is computed with
 *   facts             { store, changed, gave, given: [{ port, type, hash }], parts: [{ id, hash }],
 *                     files }: the model's file, which lies where it was written, whether anything
 *                     came of the stage, and hashes of the others
 */
#include <string.h>

#include "run/execution.h"
#include "stage/wire.h"

/* No document that is larger can be read as JSON. */
enum { GAVE_MOST = 64 << 20 };

static const adze_plan_stage *
stage_of (const adze_execution *x, size_t segment)
{
  return &x->plan->stages[x->plan->segments[segment].first];
}

static adze_error *
path_of_port (const adze_execution *x, adze_hash128 key, const char *port, char **path)
{
  ADZE_AUTO_FREE char *name = adze_text_format ("gave.%s", port);
  return name ? adze_result_path (x->folder, key, name, path) : adze_error_memory ();
}

/* ---- Keeping. */

static adze_error *
write_file (adze_value *facts, const char *path, const void *data, size_t size,
            char text[ADZE_HASH_TEXT])
{
  ADZE_TRY (adze_file_write (path, data, size, 0666));
  adze_hash_text (adze_leaf_hash (data, size), text);
  return adze_result_add_file (facts, path);
}

static adze_error *
keep_given (adze_execution *x, size_t segment, adze_hash128 key, adze_value *facts)
{
  size_t number = x->plan->segments[segment].first;
  adze_value *list = adze_json_list (facts, "given");
  for (size_t i = 0; i < x->given_count[number]; i++) {
    const adze_given *given = &x->given[number][i];
    char text[ADZE_HASH_TEXT];
    ADZE_AUTO_FREE char *path = NULL;
    ADZE_TRY (path_of_port (x, key, given->port, &path));
    ADZE_TRY (write_file (facts, path, given->artifact->data, given->artifact->size, text));
    adze_value *entry = adze_json_table (list, NULL);
    adze_json_string (entry, "port", given->port);
    adze_json_string (entry, "type", given->artifact->type);
    adze_json_string (entry, "hash", text);
  }
  return adze_json_failed (facts) ? adze_error_memory () : NULL;
}

static adze_error *
path_of_part (const adze_execution *x, adze_hash128 key, size_t number, char **path)
{
  ADZE_AUTO_FREE char *name = adze_text_format ("part.%zu", number);
  return name ? adze_result_path (x->folder, key, name, path) : adze_error_memory ();
}

/* Those that it gave: what came with its input lies there. */
static adze_error *
keep_parts (adze_execution *x, adze_hash128 key, const adze_model *given, adze_value *facts)
{
  adze_value *list = adze_json_list (facts, "parts");
  for (size_t i = 0; given && i < given->part_count; i++) {
    char text[ADZE_HASH_TEXT];
    ADZE_AUTO_FREE char *path = NULL;
    ADZE_TRY (path_of_part (x, key, i, &path));
    ADZE_TRY (write_file (facts, path, given->parts[i].data, given->parts[i].size, text));
    adze_value *entry = adze_json_table (list, NULL);
    adze_json_string (entry, "id", given->parts[i].id);
    adze_json_string (entry, "hash", text);
  }
  return adze_json_failed (facts) ? adze_error_memory () : NULL;
}

static adze_error *
add_tensor (const adze_model_tensor *tensor, adze_value *entry)
{
  adze_wire_meta (&tensor->meta, entry);
  if (!entry || !tensor->traits)
    return NULL; /* the end of the tree tells whether there was memory */
  adze_value *traits = adze_value_copy (tensor->traits);
  return traits ? adze_value_append (entry, "traits", traits) : adze_error_memory ();
}

static adze_error *
make_gave (adze_execution *x, const adze_plan_stage *planned, adze_buffer *into)
{
  ADZE_AUTO_VALUE gave = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *told = NULL;
  adze_value *tensors = adze_json_list (gave, "tensors");
  for (size_t i = 0; planned->output && i < planned->output->view.count; i++)
    ADZE_TRY (add_tensor (&planned->output->view.tensors[i], adze_json_table (tensors, NULL)));
  if (adze_json_failed (gave))
    return adze_error_memory ();
  ADZE_TRY (adze_told_value (x->told, planned->stage->id, &told));
  ADZE_TRY (adze_value_append (gave, "told", told));
  adze_json_write (gave, 1, into);
  return into->failed ? adze_error_memory () : NULL;
}

static adze_error *
keep_gave (adze_execution *x, size_t segment, adze_hash128 key, adze_value *facts)
{
  char text[ADZE_HASH_TEXT];
  ADZE_AUTO (adze_buffer) gave = { 0 };
  ADZE_AUTO_FREE char *path = NULL;
  ADZE_TRY (make_gave (x, stage_of (x, segment), &gave));
  ADZE_TRY (adze_result_path (x->folder, key, "gave", &path));
  ADZE_TRY (write_file (facts, path, gave.data, gave.size, text));
  adze_json_string (facts, "gave", text);
  return adze_json_failed (facts) ? adze_error_memory () : NULL;
}

adze_error *
adze_whole_keep (adze_execution *x, size_t segment, const adze_key *key, const adze_model *given,
                 bool changed)
{
  adze_hash128 hash = adze_key_hash (key);
  ADZE_AUTO_VALUE facts = adze_value_new (ADZE_VALUE_TABLE);
  if (!facts)
    return adze_error_memory ();
  if (given) {
    const char *store = stage_of (x, segment)->output->file->files[0].path;
    adze_json_string (facts, "store", store);
    ADZE_TRY (adze_result_add_file (facts, store));
  }
  adze_json_bool (facts, "changed", changed);
  ADZE_TRY (keep_given (x, segment, hash, facts));
  ADZE_TRY (keep_parts (x, hash, given, facts));
  ADZE_TRY (keep_gave (x, segment, hash, facts));
  return adze_result_keep (x->folder, key, facts);
}

/* ---- Reading it back. */

typedef struct kept {
  adze_document gave;
  adze_model *file; /* NULL: it gives no model */
  adze_given *given;
  size_t given_count;
} kept;

static void
kept_cleanup (kept *k)
{
  adze_document_cleanup (&k->gave);
  adze_model_close (k->file);
  for (size_t i = 0; i < k->given_count; i++) {
    free (k->given[i].port);
    adze_artifact_close (k->given[i].artifact);
  }
  free (k->given);
}

static adze_error *
damaged (const char *path)
{
  return adze_error_new (ADZE_E_FORMAT, "%s does not hold what was written there", path);
}

static const char *
text_at (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  return value && value->type == ADZE_VALUE_STRING ? value->string : "";
}

/* The content must be that of HASH. */
static adze_error *
read_file (const char *path, size_t most, const char *hash, char **data, size_t *size)
{
  char text[ADZE_HASH_TEXT];
  ADZE_TRY (adze_file_read (path, most, data, size));
  adze_hash_text (adze_leaf_hash (*data, *size), text);
  return strcmp (text, hash) == 0 ? NULL : damaged (path);
}

static adze_error *
read_gave (const adze_execution *x, adze_hash128 key, const adze_value *facts, kept *k)
{
  size_t size;
  ADZE_AUTO_FREE char *path = NULL;
  ADZE_AUTO_FREE char *text = NULL;
  ADZE_TRY (adze_result_path (x->folder, key, "gave", &path));
  ADZE_TRY (read_file (path, GAVE_MOST, text_at (facts, "gave"), &text, &size));
  ADZE_TRY (adze_json_parse (path, text, size, &k->gave));
  const adze_value *tensors = adze_value_get (k->gave.root, "tensors");
  const adze_value *told = adze_value_get (k->gave.root, "told");
  return tensors && tensors->type == ADZE_VALUE_LIST && told && told->type == ADZE_VALUE_TABLE
             ? NULL
             : damaged (path);
}

static adze_error *
read_traits (const adze_value *entry, adze_model_tensor *tensor)
{
  const adze_value *traits = adze_value_get (entry, "traits");
  if (!traits)
    return NULL;
  for (size_t i = 0; i < traits->count; i++)
    if (traits->items[i]->type != ADZE_VALUE_TABLE)
      return adze_wire_damaged ("a tensor's traits");
  if (traits->type != ADZE_VALUE_TABLE)
    return adze_wire_damaged ("a tensor's traits");
  tensor->traits = adze_value_copy (traits);
  return tensor->traits ? NULL : adze_error_memory ();
}

static adze_error *
read_parts (const adze_execution *x, adze_hash128 key, const adze_value *facts, kept *k)
{
  const adze_value *list = adze_value_get (facts, "parts");
  for (size_t i = 0; list && i < list->count; i++) {
    ADZE_AUTO_FREE char *path = NULL;
    ADZE_AUTO_FREE char *data = NULL;
    size_t size;
    ADZE_TRY (path_of_part (x, key, i, &path));
    ADZE_TRY (
        read_file (path, SIZE_MAX - 1, text_at (list->items[i], "hash"), &data, &size));
    ADZE_TRY (adze_model_add_part (k->file, text_at (list->items[i], "id"), data, size));
  }
  return NULL;
}

static adze_error *
read_model (const adze_value *facts, kept *k)
{
  ADZE_AUTO_MODEL model = NULL;
  const adze_value *tensors = adze_value_get (k->gave.root, "tensors");
  ADZE_TRY (adze_model_new (&model));
  for (size_t i = 0; i < tensors->count; i++) {
    ADZE_AUTO_FREE adze_tensor_meta *meta = NULL;
    adze_model_tensor *added;
    ADZE_TRY (adze_wire_meta_from (tensors->items[i], &meta));
    ADZE_TRY (adze_model_add (model, meta, &added));
  }
  ADZE_TRY (adze_store_open (text_at (facts, "store"), model, &k->file));
  for (size_t i = 0; i < tensors->count; i++)
    ADZE_TRY (read_traits (tensors->items[i], &k->file->tensors[i]));
  return NULL;
}

static adze_error *
read_artifact (const adze_execution *x, adze_hash128 key, const adze_value *entry, kept *k)
{
  adze_given *given = &k->given[k->given_count];
  struct adze_artifact *artifact = calloc (1, sizeof *artifact);
  ADZE_AUTO_FREE char *path = NULL;
  if (!artifact)
    return adze_error_memory ();
  *given = (adze_given){ .port = strdup (text_at (entry, "port")), .artifact = artifact };
  k->given_count++;
  artifact->type = strdup (text_at (entry, "type"));
  if (!given->port || !artifact->type)
    return adze_error_memory ();
  ADZE_TRY (path_of_port (x, key, given->port, &path));
  ADZE_TRY (
      read_file (path, SIZE_MAX - 1, text_at (entry, "hash"), &artifact->data, &artifact->size));
  return adze_artifact_check (artifact->type, path, artifact->data, artifact->size);
}

static adze_error *
read_kept (const adze_execution *x, size_t segment, adze_hash128 key, const adze_value *facts,
           kept *k)
{
  const adze_value *list = adze_value_get (facts, "given");
  size_t count = list ? list->count : 0;
  ADZE_TRY (read_gave (x, key, facts, k));
  if (stage_of (x, segment)->output) {
    ADZE_TRY (read_model (facts, k));
    ADZE_TRY (read_parts (x, key, facts, k));
  }
  k->given = calloc (count + 1, sizeof *k->given);
  if (!k->given)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    ADZE_TRY (read_artifact (x, key, list->items[i], k));
  return NULL;
}

adze_error *
adze_whole_check (adze_execution *x, size_t segment, const adze_key *key, adze_value **facts,
                  adze_buffer *why)
{
  ADZE_AUTO (kept) k = { 0 };
  ADZE_AUTO_ERROR error = read_kept (x, segment, adze_key_hash (key), *facts, &k);
  if (!error)
    return NULL;
  if (adze_error_status (error) == ADZE_E_MEMORY)
    return adze_take (&error);
  adze_buffer_format (why, "its result cannot be read: %s", adze_error_message (error));
  adze_value_free (adze_take (facts));
  return NULL;
}

/* ---- Taking it over. */

adze_error *
adze_whole_settle (adze_plan_stage *planned, adze_model *file)
{
  adze_plan_model *output = planned->output;
  const adze_plan_model *input = planned->port_count ? planned->ports[0].model : NULL;
  adze_plan_model_empty (output);
  output->file = file;
  if (input)
    ADZE_TRY (adze_metadata_copy (&input->view.metadata, &output->view.metadata));
  output->view.tensors = calloc (file->count + 1, sizeof *output->view.tensors);
  if (!output->view.tensors)
    return adze_error_memory ();
  if (file->count > 0) /* a network may have no weights */
    memcpy (output->view.tensors, file->tensors, file->count * sizeof *output->view.tensors);
  output->view.count = file->count;
  output->view.format = input ? input->view.format : NULL;
  /* A network that it gave takes the place of the one that came in. */
  if (file->part_count == 0 && input)
    ADZE_TRY (adze_model_copy_parts (&input->view, file));
  output->view.parts = file->parts;
  output->view.part_count = file->part_count;
  output->known = true;
  return NULL;
}

/* What was only warned of when the result was made may be an error now. */
static adze_error *
check_again (adze_execution *x, const adze_plan_stage *planned, const adze_value *facts)
{
  const adze_value *changed = adze_value_get (facts, "changed");
  bool idle = changed && changed->type == ADZE_VALUE_BOOL && !changed->boolean;
  return idle && planned->facts->effect == ADZE_CHANGES ? adze_nothing_changed (x, planned) : NULL;
}

adze_error *
adze_whole_recall (adze_execution *x, size_t segment, const adze_key *key, const adze_value *facts)
{
  size_t number = x->plan->segments[segment].first;
  adze_plan_stage *planned = &x->plan->stages[number];
  ADZE_AUTO (kept) k = { 0 };
  x->segment_keys[segment] = adze_key_hash (key);
  ADZE_TRY (read_kept (x, segment, x->segment_keys[segment], facts, &k));
  if (k.file)
    ADZE_TRY (adze_whole_settle (planned, adze_take (&k.file)));
  x->given[number] = adze_take (&k.given);
  x->given_count[number] = k.given_count;
  k.given_count = 0;
  adze_told_forget (x->told, planned->stage->id);
  ADZE_TRY (adze_told_repeat (x->told, planned->stage->id, adze_value_get (k.gave.root, "told")));
  ADZE_TRY (adze_fallbacks_check (x, &x->plan->segments[segment], false));
  ADZE_TRY (check_again (x, planned, facts));
  return adze_plan_describe_from (x->plan, number + 1);
}
