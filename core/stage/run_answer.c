/* SPDX-License-Identifier: Apache-2.0 */
/* The host's answers to the questions of a worker whose technique runs. The worker is not believed:
 * numbers are looked at as the service looks at a plugin's. */
#include <limits.h>
#include <string.h>

#include "stage/beside.h"
#include "stage/run_ops.h"
#include "stage/wire.h"

/* More is asked for in parts. */
#define PART_MOST ((uint64_t)4 << 20)

typedef struct question {
  adze_run_answers *all;
  const adze_value *ask;
  adze_value *reply;
  void **data;
  size_t *size;
  bool *broken;
} question;

void
adze_run_answers_cleanup (adze_run_answers *answers)
{
  free (adze_take (&answers->artifacts));
  free (adze_take (&answers->requests));
  free (adze_take (&answers->jobs));
  answers->count = 0;
}

static adze_error *
text_of (const question *one, const char *key, char **text)
{
  return adze_wire_text_from (adze_value_get (one->ask, key), text, NULL);
}

static adze_error *
artifact_of (const question *one, struct adze_artifact **artifact)
{
  uint64_t number;
  if (!adze_wire_number (one->ask, "artifact", SIZE_MAX, &number) || number >= one->all->count)
    return adze_wire_damaged ("a question");
  *artifact = one->all->artifacts[number];
  return NULL;
}

/* The bytes that follow a question, taken whether there is room for them or not. */
static adze_error *
take_bytes (const question *one, void **bytes, size_t *size)
{
  uint64_t number;
  *one->broken = true;
  if (!adze_wire_number (one->ask, "bytes", SIZE_MAX - 1, &number))
    return adze_wire_damaged ("a question");
  *size = (size_t)number;
  *bytes = malloc (*size + 1);
  ADZE_TRY (adze_child_take (one->all->child, *bytes, *size));
  *one->broken = false;
  return *bytes ? NULL : adze_error_memory ();
}

/* ---- Input. */

/* Texts have no type, and what crosses as a tensor has one: that of their bytes. */
static void
add_column (const adze_column *column, adze_value *row)
{
  const adze_dtype bytes = { ADZE_UINT, 8, 1 };
  const adze_tensor_meta meta = { .rank = column->rank, .name = column->name, .shape = column->shape,
                                  .dtype = column->is_text ? bytes : column->dtype };
  adze_wire_meta (&meta, row);
  adze_json_bool (row, "text", column->is_text);
}

static void
describe_artifact (const struct adze_artifact *artifact, adze_value *reply)
{
  adze_json_string (reply, "type", artifact->type);
  adze_value *tensors = adze_json_list (reply, "tensors");
  for (size_t i = 0; artifact->model && i < artifact->model->count; i++)
    adze_wire_meta (&artifact->model->tensors[i].meta, adze_json_table (tensors, NULL));
  adze_value *columns = adze_json_list (reply, "columns");
  for (size_t i = 0; artifact->dataset && i < adze_dataset_columns (artifact->dataset); i++)
    add_column (adze_dataset_column (artifact->dataset, i), adze_json_table (columns, NULL));
}

static adze_error *
answer_input (question *one)
{
  ADZE_AUTO_FREE char *port = NULL;
  struct adze_artifact *artifact = NULL;
  ADZE_TRY (text_of (one, "port", &port));
  ADZE_TRY (adze_run_ops_here.input (one->all->here, port, &artifact));
  if (!artifact)
    return NULL;
  struct adze_artifact **grown
      = reallocarray (one->all->artifacts, one->all->count + 1, sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  one->all->artifacts = grown;
  grown[one->all->count] = artifact;
  adze_json_int (one->reply, "artifact", (int64_t)one->all->count++);
  describe_artifact (artifact, one->reply);
  return NULL;
}

/* ---- Contents. */

static adze_error *
answer_read (question *one)
{
  struct adze_artifact *artifact;
  uint64_t index, offset, size;
  ADZE_TRY (artifact_of (one, &artifact));
  if (!artifact->model || !adze_wire_number (one->ask, "index", SIZE_MAX, &index)
      || index >= artifact->model->count
      || !adze_wire_number (one->ask, "offset", INT64_MAX, &offset)
      || !adze_wire_number (one->ask, "size", PART_MOST, &size))
    return adze_wire_damaged ("a question");
  uint64_t whole = artifact->model->tensors[index].meta.byte_size;
  if (offset > whole || size > whole - offset)
    return adze_wire_damaged ("a question");
  *one->data = malloc ((size_t)size + 1);
  if (!*one->data)
    return adze_error_memory ();
  ADZE_TRY (adze_run_ops_here.read_tensor (one->all->here, artifact, (size_t)index, offset,
                                           *one->data, (size_t)size));
  *one->size = (size_t)size;
  return NULL;
}

static adze_error *
dataset_of (const question *one, struct adze_artifact **artifact, uint32_t *batch_size,
            uint64_t *batches)
{
  uint64_t size;
  ADZE_TRY (artifact_of (one, artifact));
  if (!(*artifact)->dataset || !adze_wire_number (one->ask, "size", UINT32_MAX, &size) || size == 0)
    return adze_wire_damaged ("a question");
  *batch_size = (uint32_t)size;
  return adze_run_ops_here.batches (one->all->here, *artifact, *batch_size, batches);
}

static adze_error *
answer_batches (question *one)
{
  struct adze_artifact *artifact;
  uint32_t size;
  uint64_t count = 0;
  ADZE_TRY (dataset_of (one, &artifact, &size, &count));
  adze_json_int (one->reply, "count", (int64_t)count);
  return NULL;
}

/* Texts cross as their sizes, one after the other, and then their bytes. */
static adze_error *
pack_texts (question *one, const adze_text *texts, size_t count)
{
  size_t size = count * sizeof (uint64_t);
  for (size_t i = 0; i < count; i++)
    size += texts[i].size;
  char *bytes = malloc (size + 1);
  if (!bytes)
    return adze_error_memory ();
  char *at = bytes + count * sizeof (uint64_t);
  for (size_t i = 0; i < count; i++) {
    memcpy (bytes + i * sizeof (uint64_t), &texts[i].size, sizeof (uint64_t));
    if (texts[i].size > 0)
      memcpy (at, texts[i].data, texts[i].size);
    at += texts[i].size;
  }
  *one->data = bytes;
  *one->size = size;
  return NULL;
}

static adze_error *
pack_values (question *one, const void *values, size_t size)
{
  *one->data = malloc (size + 1);
  if (!*one->data)
    return adze_error_memory ();
  if (size > 0)
    memcpy (*one->data, values, size);
  *one->size = size;
  return NULL;
}

static adze_error *
answer_batch (question *one)
{
  struct adze_artifact *artifact;
  uint64_t epoch, number, column, batches = 0;
  uint32_t size;
  const void *values = NULL;
  size_t count = 0;
  ADZE_TRY (dataset_of (one, &artifact, &size, &batches));
  if (!adze_wire_number (one->ask, "epoch", INT64_MAX, &epoch)
      || !adze_wire_number (one->ask, "number", INT64_MAX, &number) || number >= batches
      || !adze_wire_number (one->ask, "column", SIZE_MAX, &column)
      || column >= adze_dataset_columns (artifact->dataset))
    return adze_wire_damaged ("a question");
  ADZE_TRY (adze_run_ops_here.batch (one->all->here, artifact, epoch, number, size,
                                     (size_t)column, &values, &count));
  size_t each = adze_dataset_column_size (artifact->dataset, (size_t)column);
  ADZE_TRY (adze_dataset_column (artifact->dataset, (size_t)column)->is_text
                ? pack_texts (one, values, count)
                : pack_values (one, values, count * each));
  adze_json_int (one->reply, "count", (int64_t)count);
  adze_json_int (one->reply, "bytes", (int64_t)*one->size);
  return NULL;
}

static adze_error *
answer_bytes (question *one)
{
  struct adze_artifact *artifact;
  ADZE_TRY (artifact_of (one, &artifact));
  if (artifact->model || artifact->dataset)
    return adze_wire_damaged ("a question");
  ADZE_TRY (pack_values (one, artifact->data, artifact->size));
  adze_json_int (one->reply, "bytes", (int64_t)artifact->size);
  return NULL;
}

/* ---- What goes out. */

static adze_error *
answer_give_tensor (question *one)
{
  ADZE_AUTO_FREE void *bytes = NULL;
  ADZE_AUTO_FREE char *port = NULL;
  ADZE_AUTO_FREE adze_tensor_meta *meta = NULL;
  size_t size = 0;
  ADZE_TRY (take_bytes (one, &bytes, &size));
  ADZE_TRY (text_of (one, "port", &port));
  ADZE_TRY (adze_wire_meta_from (adze_value_get (one->ask, "meta"), &meta));
  if (meta->byte_size != size)
    return adze_wire_damaged ("a question");
  return adze_run_ops_here.give_tensor (one->all->here, port, meta, bytes);
}

static adze_error *
answer_give_bytes (question *one)
{
  ADZE_AUTO_FREE void *bytes = NULL;
  ADZE_AUTO_FREE char *port = NULL;
  size_t size = 0;
  ADZE_TRY (take_bytes (one, &bytes, &size));
  ADZE_TRY (text_of (one, "port", &port));
  return adze_run_ops_here.give_bytes (one->all->here, port, bytes, size);
}

static adze_error *
answer_save (question *one)
{
  ADZE_AUTO_FREE void *bytes = NULL;
  ADZE_AUTO_FREE char *name = NULL;
  size_t size = 0;
  ADZE_TRY (take_bytes (one, &bytes, &size));
  ADZE_TRY (text_of (one, "name", &name));
  if (!adze_run_name (name))
    return adze_wire_damaged ("a checkpoint's name");
  return adze_run_ops_here.save (one->all->here, name, bytes, size);
}

static adze_error *
answer_load (question *one)
{
  ADZE_AUTO_FREE char *name = NULL;
  ADZE_TRY (text_of (one, "name", &name));
  if (!adze_run_name (name))
    return adze_wire_damaged ("a checkpoint's name");
  ADZE_TRY (adze_run_ops_here.load (one->all->here, name, one->data, one->size));
  adze_json_bool (one->reply, "found", *one->data != NULL);
  adze_json_int (one->reply, "bytes", (int64_t)*one->size);
  return NULL;
}

static adze_error *
answer_progress (question *one)
{
  uint64_t done, total;
  if (!adze_wire_number (one->ask, "done", INT64_MAX, &done)
      || !adze_wire_number (one->ask, "total", INT64_MAX, &total))
    return adze_wire_damaged ("a question");
  /* How far a job is says nothing of how far the run is. */
  if (one->all->job) {
    done = one->all->here->done;
    total = one->all->here->total;
  }
  adze_json_bool (one->reply, "go", adze_run_ops_here.progress (one->all->here, done, total));
  return NULL;
}

/* ---- Networks. */

static adze_error *
answer_parts (question *one)
{
  struct adze_artifact *artifact;
  ADZE_AUTO (adze_buffer) bytes = { 0 };
  ADZE_TRY (artifact_of (one, &artifact));
  if (!artifact->model)
    return adze_wire_damaged ("a question");
  adze_value *parts = adze_json_list (one->reply, "parts");
  for (size_t i = 0; i < artifact->model->part_count; i++) {
    const adze_model_part *part = &artifact->model->parts[i];
    adze_value *row = adze_json_table (parts, NULL);
    adze_wire_text (row, "id", part->id, strlen (part->id));
    adze_json_int (row, "size", (int64_t)part->size);
    adze_buffer_add (&bytes, part->data, part->size);
  }
  if (bytes.failed)
    return adze_error_memory ();
  ADZE_TRY (pack_values (one, bytes.data, bytes.size));
  adze_json_int (one->reply, "bytes", (int64_t)*one->size);
  return NULL;
}

/* Which backend, and whose plugins the worker loads for it: the backend's, that of `ref`, which does what the other one
 * does not, and those of formats, which say how models are computed with. */
static adze_error *
answer_networks (question *one)
{
  adze_run_here *here = one->all->here;
  adze_run_compute compute = { 0 };
  ADZE_AUTO_VALUE plugins = NULL;
  if (!here->hooks->compute)
    return adze_error_new (ADZE_E_UNSUPPORTED, "there is no backend here to compute with");
  ADZE_TRY (here->hooks->compute (here->context, &compute));
  ADZE_TRY (adze_beside_networks (compute.runtime, compute.backend, &plugins));
  if (one->all->job && compute.delegation == ADZE_DELEGATE_WARN) {
    /* Once is enough. */
    compute.delegation = here->job_warns ? ADZE_DELEGATE_ALLOW : ADZE_DELEGATE_WARN;
    here->job_warns = true;
  }
  adze_json_string (one->reply, "stage", compute.stage);
  adze_json_string (one->reply, "backend", compute.backend);
  adze_json_int (one->reply, "delegation", compute.delegation);
  adze_json_bool (one->reply, "rehearses", compute.rehearses);
  return adze_value_append (one->reply, "plugins", adze_take (&plugins));
}

static adze_error *
answer_give_part (question *one)
{
  ADZE_AUTO_FREE void *bytes = NULL;
  ADZE_AUTO_FREE char *port = NULL, *id = NULL;
  size_t size = 0;
  ADZE_TRY (take_bytes (one, &bytes, &size));
  ADZE_TRY (text_of (one, "port", &port));
  ADZE_TRY (text_of (one, "id", &id));
  return adze_run_ops_here.give_part (one->all->here, port, id, bytes, size);
}

static adze_error *
answer_claim (question *one)
{
  ADZE_AUTO_FREE char *port = NULL, *tensor = NULL, *id = NULL;
  const adze_value *trait = adze_value_get (one->ask, "trait");
  ADZE_TRY (text_of (one, "port", &port));
  ADZE_TRY (text_of (one, "tensor", &tensor));
  ADZE_TRY (text_of (one, "id", &id));
  bool none = trait && trait->type == ADZE_VALUE_BOOL;
  if (!trait || (trait->type != ADZE_VALUE_TABLE && !none))
    return adze_wire_damaged ("a question");
  return adze_run_ops_here.claim (one->all->here, port, tensor, id, trait);
}

/* ---- Jobs. */

/* Sizes, then bytes, as texts come. */
static adze_error *
unpack_requests (adze_run_answers *all, size_t count, size_t size)
{
  size_t sizes = count * sizeof (uint64_t);
  if (count > size / sizeof (uint64_t))
    return adze_wire_damaged ("a list of jobs");
  all->jobs = calloc (count + 1, sizeof *all->jobs);
  if (!all->jobs)
    return adze_error_memory ();
  const char *at = (const char *)all->requests + sizes;
  for (size_t i = 0, left = size - sizes; i < count; i++) {
    uint64_t length;
    memcpy (&length, (const char *)all->requests + i * sizeof length, sizeof length);
    if (length > left)
      return adze_wire_damaged ("a list of jobs");
    all->jobs[i] = (adze_text){ at, (size_t)length };
    at += length;
    left -= (size_t)length;
  }
  return NULL;
}

static adze_error *
answer_jobs_begin (question *one)
{
  adze_run_answers *all = one->all;
  uint64_t count, threads, most;
  size_t size = 0;
  bool rehearses = false;
  free (adze_take (&all->requests));
  free (adze_take (&all->jobs));
  ADZE_TRY (take_bytes (one, &all->requests, &size));
  if (!adze_wire_number (one->ask, "count", SIZE_MAX, &count)
      || !adze_wire_number (one->ask, "threads", UINT_MAX, &threads) || threads == 0
      || !adze_wire_number (one->ask, "most", UINT_MAX, &most))
    return adze_wire_damaged ("a question");
  ADZE_TRY (unpack_requests (all, (size_t)count, size));
  const adze_jobs_list list = { all->jobs, (size_t)count, (unsigned)threads, (unsigned)most };
  ADZE_TRY (adze_run_ops_here.jobs_begin (all->here, &list, &rehearses));
  adze_json_bool (one->reply, "rehearses", rehearses);
  return NULL;
}

static adze_error *
answer_jobs_next (question *one)
{
  size_t index = 0;
  ADZE_TRY (adze_run_ops_here.jobs_next (one->all->here, &index, one->data, one->size));
  adze_json_int (one->reply, "index", (int64_t)index);
  adze_json_int (one->reply, "bytes", (int64_t)*one->size);
  return NULL;
}

static adze_error *
answer_jobs_end (question *one)
{
  return adze_run_ops_here.jobs_end (one->all->here);
}

/* ---- Which question. */

adze_error *
adze_run_answer (void *context, const adze_value *ask, adze_value *reply, void **data,
                 size_t *size, bool *broken)
{
  static const struct {
    const char *what;
    adze_error *(*answer) (question *one);
    bool run_alone; /* a job does not ask it */
  } answers[] = { { "input", answer_input, false },
                  { "read", answer_read, false },
                  { "batches", answer_batches, false },
                  { "batch", answer_batch, false },
                  { "bytes", answer_bytes, false },
                  { "give-tensor", answer_give_tensor, true },
                  { "give-bytes", answer_give_bytes, true },
                  { "save", answer_save, true },
                  { "load", answer_load, true },
                  { "progress", answer_progress, false },
                  { "parts", answer_parts, false },
                  { "networks", answer_networks, false },
                  { "give-part", answer_give_part, true },
                  { "claim", answer_claim, true },
                  { "jobs-begin", answer_jobs_begin, true },
                  { "jobs-next", answer_jobs_next, true },
                  { "jobs-end", answer_jobs_end, true } };
  question one = { context, ask, reply, data, size, broken };
  const adze_value *what = adze_value_get (ask, "what");
  for (size_t i = 0; what && what->string && i < ADZE_COUNT_OF (answers); i++)
    if (strcmp (answers[i].what, what->string) == 0 && !(answers[i].run_alone && one.all->job))
      return answers[i].answer (&one);
  *broken = true;
  return adze_wire_damaged ("a question");
}
