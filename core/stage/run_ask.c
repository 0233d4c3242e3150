/* SPDX-License-Identifier: Apache-2.0 */
/* What a run asks for, in a worker: the artifacts are the host's, and every operation is a question
 * to it. What a plugin is shown of them is a shell: metas and columns, no data. Networks are computed with here, on
 * backends of the worker's own. */
#include <string.h>

#include "base/error_wire.h"
#include "stage/run_ops.h"
#include "stage/worker_private.h"

/* A column of the batch at hand. */
typedef struct shell_batch {
  uint64_t epoch, number;
  uint32_t size; /* 0: none yet */
  size_t count;
  void *bytes;
  adze_text *texts;
} shell_batch;

struct adze_run_shell {
  struct adze_artifact artifact; /* first: what the plugin holds */
  adze_run_shell *next;
  uint64_t number; /* by which the host knows it */
  char *port;
  adze_model model;
  adze_model *whole; /* with numbers and parts; NULL: not asked for yet */
  adze_tensor_meta **metas; /* of tensors or of columns */
  size_t meta_count;
  adze_column *columns;
  shell_batch *batches; /* by column */
};

/* Questions take their turn with nothing else on the way. */
typedef struct conversation {
  adze_worker_state *state;
  adze_value *message;
  adze_value *ask;
  adze_document reply;
  const adze_value *ok;
} conversation;

static void
begin (adze_run_there *there, const char *what, conversation *talk)
{
  *talk = (conversation){ .state = there->state, .message = adze_value_new (ADZE_VALUE_TABLE) };
  talk->ask = adze_json_table (talk->message, "ask");
  adze_json_string (talk->ask, "what", what);
}

static void
end (conversation *talk)
{
  adze_value_free (talk->message);
  adze_document_cleanup (&talk->reply);
  adze_worker_set_answering (talk->state, true);
}

/* Sends the question and BYTES, and waits for the answer. */
static adze_error *
ask (conversation *talk, const void *bytes, size_t size)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_child *parent = talk->state->parent;
  adze_worker_set_answering (talk->state, false);
  ADZE_TRY (adze_worker_send_value (talk->state, talk->message));
  ADZE_TRY (adze_child_put (parent, bytes, size));
  ADZE_TRY (adze_child_receive (parent, &text));
  ADZE_TRY (adze_json_parse ("<host>", text.data ? text.data : "", text.size, &talk->reply));
  const adze_value *failure = adze_value_get (talk->reply.root, "error");
  if (failure)
    return adze_error_from_value (failure);
  talk->ok = adze_value_get (talk->reply.root, "ok");
  return talk->ok ? NULL : adze_wire_damaged ("an answer");
}

/* The bytes behind an answer. */
static adze_error *
take (conversation *talk, void **bytes, size_t *size)
{
  uint64_t number;
  if (!adze_wire_number (talk->ok, "bytes", SIZE_MAX - 1, &number))
    return adze_wire_damaged ("an answer");
  *size = (size_t)number;
  *bytes = malloc (*size + 1);
  ADZE_TRY (adze_child_take (talk->state->parent, *bytes, *size));
  return *bytes ? NULL : adze_error_memory ();
}

/* ---- Shells. */

static adze_run_shell *
shell_of (const struct adze_artifact *artifact)
{
  return (adze_run_shell *)artifact;
}

static void
free_batch (shell_batch *batch)
{
  free (batch->bytes);
  free (batch->texts);
  *batch = (shell_batch){ 0 };
}

static void
free_shell (adze_run_shell *shell)
{
  for (size_t i = 0; shell->batches && i < shell->meta_count; i++)
    free_batch (&shell->batches[i]);
  for (size_t i = 0; i < shell->meta_count; i++)
    free (shell->metas[i]);
  free (shell->batches);
  free (shell->metas);
  free (shell->columns);
  free (shell->model.tensors);
  adze_model_close (shell->whole);
  free (shell->artifact.type);
  free (shell->artifact.data);
  free (shell->port);
  free (shell);
}

void
adze_run_there_cleanup (adze_run_there *there)
{
  adze_networks_close (adze_take (&there->networks));
  free (adze_take (&there->stage));
  free (adze_take (&there->backend));
  while (there->shells) {
    adze_run_shell *next = there->shells->next;
    free_shell (there->shells);
    there->shells = next;
  }
}

void
adze_run_there_clear (adze_run_there *there)
{
  if (there->networks)
    adze_networks_clear (there->networks);
}

static adze_error *
read_metas (const adze_value *list, adze_run_shell *shell)
{
  shell->metas = calloc (list->count + 1, sizeof *shell->metas);
  if (!shell->metas)
    return adze_error_memory ();
  for (size_t i = 0; i < list->count; i++) {
    ADZE_TRY (adze_wire_meta_from (list->items[i], &shell->metas[i]));
    shell->meta_count++;
  }
  return NULL;
}

static adze_error *
read_tensors (const adze_value *list, adze_run_shell *shell)
{
  ADZE_TRY (read_metas (list, shell));
  shell->model.tensors = calloc (list->count + 1, sizeof *shell->model.tensors);
  if (!shell->model.tensors)
    return adze_error_memory ();
  for (size_t i = 0; i < list->count; i++)
    shell->model.tensors[i].meta = *shell->metas[i];
  shell->model.count = list->count;
  shell->artifact.model = &shell->model;
  return NULL;
}

static adze_error *
read_columns (const adze_value *list, adze_run_shell *shell)
{
  ADZE_TRY (read_metas (list, shell));
  shell->columns = calloc (list->count + 1, sizeof *shell->columns);
  shell->batches = calloc (list->count + 1, sizeof *shell->batches);
  if (!shell->columns || !shell->batches)
    return adze_error_memory ();
  for (size_t i = 0; i < list->count; i++) {
    const adze_tensor_meta *meta = shell->metas[i];
    shell->columns[i] = (adze_column){ .name = meta->name,
                                       .is_text = adze_wire_truth (list->items[i], "text"),
                                       .rank = meta->rank,
                                       .shape = meta->shape };
    if (!shell->columns[i].is_text)
      shell->columns[i].dtype = meta->dtype;
  }
  return NULL;
}

static adze_error *
read_shell (const adze_value *ok, const char *port, adze_run_shell *shell)
{
  const adze_value *tensors = adze_value_get (ok, "tensors");
  const adze_value *columns = adze_value_get (ok, "columns");
  if (!adze_wire_number (ok, "artifact", SIZE_MAX, &shell->number) || !tensors || !columns)
    return adze_wire_damaged ("an answer");
  ADZE_TRY (adze_wire_text_from (adze_value_get (ok, "type"), &shell->artifact.type, NULL));
  shell->port = strdup (port);
  if (!shell->port)
    return adze_error_memory ();
  if (strcmp (shell->artifact.type, ADZE_TYPE_MODEL) == 0)
    return read_tensors (tensors, shell);
  return strcmp (shell->artifact.type, ADZE_TYPE_DATASET) == 0 ? read_columns (columns, shell)
                                                               : NULL;
}

static adze_error *
there_input (void *data, const char *port, struct adze_artifact **artifact)
{
  adze_run_there *there = data;
  conversation talk;
  for (adze_run_shell *shell = there->shells; shell; shell = shell->next)
    if (strcmp (shell->port, port) == 0) {
      *artifact = &shell->artifact;
      return NULL;
    }
  adze_run_shell *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  begin (there, "input", &talk);
  adze_wire_text (talk.ask, "port", port, strlen (port));
  adze_error *error = ask (&talk, NULL, 0);
  bool bound = !error && adze_value_get (talk.ok, "artifact");
  if (bound)
    error = read_shell (talk.ok, port, fresh);
  end (&talk);
  if (error || !bound) {
    free_shell (fresh);
    return error;
  }
  fresh->next = there->shells;
  there->shells = fresh;
  *artifact = &fresh->artifact;
  return NULL;
}

/* ---- Contents. */

static adze_error *
read_part (adze_run_there *there, uint64_t number, size_t index, uint64_t offset, void *buffer,
           size_t size)
{
  conversation talk;
  begin (there, "read", &talk);
  adze_json_int (talk.ask, "artifact", (int64_t)number);
  adze_json_int (talk.ask, "index", (int64_t)index);
  adze_json_int (talk.ask, "offset", (int64_t)offset);
  adze_json_int (talk.ask, "size", (int64_t)size);
  adze_error *error = ask (&talk, NULL, 0);
  if (!error)
    error = adze_child_take (there->state->parent, buffer, size);
  end (&talk);
  return error;
}

static adze_error *
there_read_tensor (void *data, struct adze_artifact *artifact, size_t index, uint64_t offset,
                   void *buffer, size_t size)
{
  const size_t most = (size_t)4 << 20;
  char *at = buffer;
  while (size > 0) {
    size_t part = size < most ? size : most;
    ADZE_TRY (read_part (data, shell_of (artifact)->number, index, offset, at, part));
    at += part;
    offset += part;
    size -= part;
  }
  return NULL;
}

static const adze_column *
there_column (void *data, const struct adze_artifact *artifact, size_t index)
{
  const adze_run_shell *shell = shell_of (artifact);
  (void)data;
  return shell->columns && index < shell->meta_count ? &shell->columns[index] : NULL;
}

static adze_error *
there_batches (void *data, const struct adze_artifact *artifact, uint32_t batch_size,
               uint64_t *count)
{
  conversation talk;
  begin (data, "batches", &talk);
  adze_json_int (talk.ask, "artifact", (int64_t)shell_of (artifact)->number);
  adze_json_int (talk.ask, "size", batch_size);
  adze_error *error = ask (&talk, NULL, 0);
  if (!error && !adze_wire_number (talk.ok, "count", INT64_MAX, count))
    error = adze_wire_damaged ("an answer");
  end (&talk);
  return error;
}

/* Sizes, then bytes: as texts that point into them. */
static adze_error *
unpack_texts (shell_batch *batch, size_t size)
{
  size_t sizes = batch->count * sizeof (uint64_t);
  if (batch->count > size / sizeof (uint64_t))
    return adze_wire_damaged ("a batch of texts");
  batch->texts = calloc (batch->count + 1, sizeof *batch->texts);
  if (!batch->texts)
    return adze_error_memory ();
  const char *at = (const char *)batch->bytes + sizes;
  size_t left = size - sizes;
  for (size_t i = 0; i < batch->count; i++) {
    uint64_t length;
    memcpy (&length, (const char *)batch->bytes + i * sizeof length, sizeof length);
    if (length > left)
      return adze_wire_damaged ("a batch of texts");
    batch->texts[i] = (adze_text){ at, length };
    at += length;
    left -= length;
  }
  return NULL;
}

static adze_error *
fetch_batch (adze_run_there *there, const adze_run_shell *shell, size_t column,
             shell_batch *batch)
{
  conversation talk;
  uint64_t count = 0;
  size_t size = 0;
  begin (there, "batch", &talk);
  adze_json_int (talk.ask, "artifact", (int64_t)shell->number);
  adze_json_int (talk.ask, "epoch", (int64_t)batch->epoch);
  adze_json_int (talk.ask, "number", (int64_t)batch->number);
  adze_json_int (talk.ask, "size", batch->size);
  adze_json_int (talk.ask, "column", (int64_t)column);
  adze_error *error = ask (&talk, NULL, 0);
  if (!error && !adze_wire_number (talk.ok, "count", SIZE_MAX, &count))
    error = adze_wire_damaged ("an answer");
  if (!error)
    error = take (&talk, &batch->bytes, &size);
  end (&talk);
  batch->count = (size_t)count;
  return error || !shell->columns[column].is_text ? error : unpack_texts (batch, size);
}

static adze_error *
there_batch (void *data, struct adze_artifact *artifact, uint64_t epoch, uint64_t number,
             uint32_t batch_size, size_t column, const void **values, size_t *count)
{
  adze_run_shell *shell = shell_of (artifact);
  shell_batch *batch = &shell->batches[column];
  if (batch->size != batch_size || batch->epoch != epoch || batch->number != number) {
    free_batch (batch);
    *batch = (shell_batch){ .epoch = epoch, .number = number, .size = batch_size };
    adze_error *error = fetch_batch (data, shell, column, batch);
    if (error) {
      free_batch (batch);
      return error;
    }
  }
  *values = batch->texts ? (const void *)batch->texts : batch->bytes;
  *count = batch->count;
  return NULL;
}

static adze_error *
there_bytes (void *data, struct adze_artifact *artifact, const void **bytes, size_t *size)
{
  if (!artifact->data) {
    conversation talk;
    void *fetched = NULL;
    begin (data, "bytes", &talk);
    adze_json_int (talk.ask, "artifact", (int64_t)shell_of (artifact)->number);
    adze_error *error = ask (&talk, NULL, 0);
    if (!error)
      error = take (&talk, &fetched, &artifact->size);
    end (&talk);
    if (error) {
      free (fetched);
      return error;
    }
    artifact->data = fetched;
    artifact->data[artifact->size] = '\0';
  }
  *bytes = artifact->data;
  *size = artifact->size;
  return NULL;
}

/* ---- What goes out. */

static adze_error *
send_bytes (conversation *talk, const char *key, const char *name, const void *bytes, size_t size)
{
  adze_wire_text (talk->ask, key, name, strlen (name));
  adze_json_int (talk->ask, "bytes", (int64_t)size);
  adze_error *error = ask (talk, bytes, size);
  end (talk);
  return error;
}

static adze_error *
there_give_tensor (void *data, const char *port, const adze_tensor_meta *meta, const void *bytes)
{
  conversation talk;
  begin (data, "give-tensor", &talk);
  adze_wire_meta (meta, adze_json_table (talk.ask, "meta"));
  return send_bytes (&talk, "port", port, bytes, (size_t)meta->byte_size);
}

static adze_error *
there_give_bytes (void *data, const char *port, const void *bytes, size_t size)
{
  conversation talk;
  begin (data, "give-bytes", &talk);
  return send_bytes (&talk, "port", port, bytes, size);
}

static adze_error *
there_save (void *data, const char *name, const void *bytes, size_t size)
{
  conversation talk;
  begin (data, "save", &talk);
  return send_bytes (&talk, "name", name, bytes, size);
}

static adze_error *
there_load (void *data, const char *name, void **bytes, size_t *size)
{
  conversation talk;
  begin (data, "load", &talk);
  adze_wire_text (talk.ask, "name", name, strlen (name));
  adze_error *error = ask (&talk, NULL, 0);
  if (!error && adze_wire_truth (talk.ok, "found"))
    error = take (&talk, bytes, size);
  end (&talk);
  if (error)
    free (adze_take (bytes));
  return error;
}

/* Who cannot ask is to stop. */
static bool
there_progress (void *data, uint64_t done, uint64_t total)
{
  conversation talk;
  begin (data, "progress", &talk);
  adze_json_int (talk.ask, "done", done > INT64_MAX ? INT64_MAX : (int64_t)done);
  adze_json_int (talk.ask, "total", total > INT64_MAX ? INT64_MAX : (int64_t)total);
  ADZE_AUTO_ERROR error = ask (&talk, NULL, 0);
  bool go = !error && adze_wire_truth (talk.ok, "go");
  end (&talk);
  return go;
}

/* ---- Networks. */

/* All numbers cross once: what computes with them keeps them. */
static adze_error *
fetch_tensor (adze_run_there *there, adze_run_shell *shell, size_t index)
{
  adze_model_tensor *tensor;
  ADZE_TRY (adze_model_add (shell->whole, shell->metas[index], &tensor));
  size_t size = (size_t)tensor->meta.byte_size;
  tensor->data = malloc (size + 1);
  if (!tensor->data)
    return adze_error_memory ();
  return there_read_tensor (there, &shell->artifact, index, 0, tensor->data, size);
}

/* They come one behind the other. */
static adze_error *
unpack_parts (const adze_value *ok, const char *bytes, size_t left, adze_model *whole)
{
  const adze_value *parts = adze_value_get (ok, "parts");
  for (size_t i = 0; parts && i < parts->count; i++) {
    ADZE_AUTO_FREE char *id = NULL;
    uint64_t size;
    if (!adze_wire_number (parts->items[i], "size", left, &size))
      return adze_wire_damaged ("an answer");
    ADZE_TRY (adze_wire_text_from (adze_value_get (parts->items[i], "id"), &id, NULL));
    ADZE_TRY (adze_model_add_part (whole, id, bytes, (size_t)size));
    bytes += size;
    left -= (size_t)size;
  }
  return NULL;
}

static adze_error *
fetch_parts (adze_run_there *there, adze_run_shell *shell)
{
  ADZE_AUTO_FREE void *bytes = NULL;
  size_t size = 0;
  conversation talk;
  begin (there, "parts", &talk);
  adze_json_int (talk.ask, "artifact", (int64_t)shell->number);
  adze_error *error = ask (&talk, NULL, 0);
  if (!error)
    error = take (&talk, &bytes, &size);
  if (!error)
    error = unpack_parts (talk.ok, bytes, size, shell->whole);
  end (&talk);
  return error;
}

static adze_error *
fetch_model (adze_run_there *there, adze_run_shell *shell)
{
  ADZE_TRY (adze_model_new (&shell->whole));
  ADZE_TRY (fetch_parts (there, shell));
  for (size_t i = 0; i < shell->meta_count; i++)
    ADZE_TRY (fetch_tensor (there, shell, i));
  return NULL;
}

static adze_error *
there_model (void *data, struct adze_artifact *artifact, const adze_model **model)
{
  adze_run_shell *shell = shell_of (artifact);
  adze_error *error = shell->whole ? NULL : fetch_model (data, shell);
  if (error)
    adze_model_close (adze_take (&shell->whole));
  *model = shell->whole;
  return error;
}

static adze_error *
open_networks (adze_run_there *there, const adze_value *ok)
{
  uint64_t delegation;
  if (!adze_wire_number (ok, "delegation", ADZE_DELEGATE_ERROR, &delegation))
    return adze_wire_damaged ("an answer");
  ADZE_TRY (adze_wire_text_from (adze_value_get (ok, "stage"), &there->stage, NULL));
  ADZE_TRY (adze_wire_text_from (adze_value_get (ok, "backend"), &there->backend, NULL));
  ADZE_TRY (adze_worker_load (there->state, adze_value_get (ok, "plugins")));
  ADZE_TRY (adze_networks_open (there->state->runtime, there->stage, there->backend, (adze_delegation)delegation,
                                &there->networks));
  if (adze_wire_truth (ok, "rehearses"))
    adze_networks_rehearse (there->networks, &there->needs);
  return NULL;
}

static adze_error *
there_networks (void *data, struct adze_networks **networks)
{
  adze_run_there *there = data;
  conversation talk;
  if (!there->networks) {
    begin (there, "networks", &talk);
    adze_error *error = ask (&talk, NULL, 0);
    if (!error)
      error = open_networks (there, talk.ok);
    end (&talk);
    if (error)
      return error;
  }
  *networks = there->networks;
  return NULL;
}

static adze_error *
there_give_part (void *data, const char *port, const char *id, const void *bytes, size_t size)
{
  conversation talk;
  begin (data, "give-part", &talk);
  adze_wire_text (talk.ask, "id", id, strlen (id));
  return send_bytes (&talk, "port", port, bytes, size);
}

static adze_error *
there_claim (void *data, const char *port, const char *tensor, const char *id, const adze_value *trait)
{
  conversation talk;
  begin (data, "claim", &talk);
  adze_wire_text (talk.ask, "port", port, strlen (port));
  adze_wire_text (talk.ask, "tensor", tensor, strlen (tensor));
  adze_wire_text (talk.ask, "id", id, strlen (id));
  adze_value *copy = adze_value_copy (trait);
  adze_error *error = copy ? adze_value_append (talk.ask, "trait", copy) : adze_error_memory ();
  if (!error)
    error = ask (&talk, NULL, 0);
  end (&talk);
  return error;
}

/* ---- Jobs. */

/* Their sizes, one after the other, and then their bytes. */
static adze_error *
pack_requests (const adze_jobs_list *list, adze_buffer *bytes)
{
  for (size_t i = 0; i < list->count; i++) {
    const uint64_t size = list->requests[i].size;
    adze_buffer_add (bytes, &size, sizeof size);
  }
  for (size_t i = 0; i < list->count; i++)
    if (list->requests[i].size > 0)
      adze_buffer_add (bytes, list->requests[i].data, list->requests[i].size);
  return bytes->failed ? adze_error_memory () : NULL;
}

static adze_error *
there_jobs_begin (void *data, const adze_jobs_list *list, bool *rehearses)
{
  ADZE_AUTO (adze_buffer) bytes = { 0 };
  conversation talk;
  ADZE_TRY (pack_requests (list, &bytes));
  begin (data, "jobs-begin", &talk);
  adze_json_int (talk.ask, "count", (int64_t)list->count);
  adze_json_int (talk.ask, "threads", list->threads);
  adze_json_int (talk.ask, "most", list->most);
  adze_json_int (talk.ask, "bytes", (int64_t)bytes.size);
  adze_error *error = ask (&talk, bytes.data, bytes.size);
  *rehearses = !error && adze_wire_truth (talk.ok, "rehearses");
  end (&talk);
  return error;
}

static adze_error *
there_jobs_next (void *data, size_t *index, void **answer, size_t *size)
{
  conversation talk;
  uint64_t number = 0;
  begin (data, "jobs-next", &talk);
  adze_error *error = ask (&talk, NULL, 0);
  if (!error && !adze_wire_number (talk.ok, "index", SIZE_MAX, &number))
    error = adze_wire_damaged ("an answer");
  if (!error)
    error = take (&talk, answer, size);
  end (&talk);
  *index = (size_t)number;
  return error;
}

static adze_error *
there_jobs_end (void *data)
{
  conversation talk;
  begin (data, "jobs-end", &talk);
  adze_error *error = ask (&talk, NULL, 0);
  end (&talk);
  return error;
}

const adze_run_ops adze_run_ops_there = {
  there_input,       there_read_tensor, there_column, there_batches, there_batch,    there_bytes,
  there_give_tensor, there_give_bytes,  there_save,   there_load,    there_progress, there_model,
  there_networks,    there_give_part,   there_claim,  there_jobs_begin, there_jobs_next, there_jobs_end,
};
