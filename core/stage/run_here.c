/* SPDX-License-Identifier: Apache-2.0 */
/* What a run asks for, of artifacts in this process. */
#include <string.h>

#include "stage/run_ops.h"

static adze_error *
here_input (void *data, const char *port, struct adze_artifact **artifact)
{
  const adze_run_here *here = data;
  return here->hooks->input (here->context, port, artifact);
}

static adze_error *
here_read_tensor (void *data, struct adze_artifact *artifact, size_t index, uint64_t offset,
                  void *buffer, size_t size)
{
  (void)data;
  return adze_model_read (artifact->model, &artifact->model->tensors[index], offset, buffer, size);
}

static const adze_column *
here_column (void *data, const struct adze_artifact *artifact, size_t index)
{
  (void)data;
  return artifact->dataset && index < adze_dataset_columns (artifact->dataset)
             ? adze_dataset_column (artifact->dataset, index)
             : NULL;
}

static adze_error *
here_batches (void *data, const struct adze_artifact *artifact, uint32_t batch_size,
              uint64_t *count)
{
  (void)data;
  *count = adze_dataset_batches (artifact->dataset, batch_size);
  return NULL;
}

static adze_run_batch *
batch_of (adze_run_here *here, const struct adze_artifact *artifact)
{
  for (size_t i = 0; i < here->batch_count; i++)
    if (here->batches[i].artifact == artifact)
      return &here->batches[i];
  adze_run_batch *grown
      = reallocarray (here->batches, here->batch_count + 1, sizeof *here->batches);
  if (!grown)
    return NULL;
  here->batches = grown;
  grown[here->batch_count] = (adze_run_batch){ .artifact = artifact };
  return &grown[here->batch_count++];
}

/* Columns of one batch are asked for one by one, and the first must not go when the second comes. */
static adze_error *
here_batch (void *data, struct adze_artifact *artifact, uint64_t epoch, uint64_t number,
            uint32_t batch_size, size_t column, const void **values, size_t *count)
{
  adze_run_batch *batch = batch_of (data, artifact);
  if (!batch)
    return adze_error_memory ();
  if (batch->size != batch_size || batch->epoch != epoch || batch->number != number) {
    batch->size = 0;
    ADZE_TRY (adze_dataset_read (artifact->dataset, epoch, number, batch_size, &batch->count));
    batch->epoch = epoch;
    batch->number = number;
    batch->size = batch_size;
  }
  *values = adze_dataset_values (artifact->dataset, column);
  *count = batch->count;
  return NULL;
}

static adze_error *
here_bytes (void *data, struct adze_artifact *artifact, const void **bytes, size_t *size)
{
  (void)data;
  *bytes = artifact->data;
  *size = artifact->size;
  return NULL;
}

static adze_error *
here_give_tensor (void *data, const char *port, const adze_tensor_meta *meta, const void *bytes)
{
  const adze_run_here *here = data;
  return here->hooks->give_tensor (here->context, port, meta, bytes);
}

static adze_error *
here_give_bytes (void *data, const char *port, const void *bytes, size_t size)
{
  const adze_run_here *here = data;
  return here->hooks->give_bytes (here->context, port, bytes, size);
}

static adze_error *
here_save (void *data, const char *name, const void *bytes, size_t size)
{
  const adze_run_here *here = data;
  return here->hooks->save (here->context, name, bytes, size);
}

static adze_error *
here_load (void *data, const char *name, void **bytes, size_t *size)
{
  const adze_run_here *here = data;
  return here->hooks->load (here->context, name, bytes, size);
}

static bool
here_progress (void *data, uint64_t done, uint64_t total)
{
  adze_run_here *here = data;
  here->done = done;
  here->total = total;
  return here->hooks->progress (here->context, done, total);
}

static adze_error *
here_model (void *data, struct adze_artifact *artifact, const adze_model **model)
{
  (void)data;
  *model = artifact->model;
  return NULL;
}

static adze_error *
here_networks (void *data, struct adze_networks **networks)
{
  const adze_run_here *here = data;
  if (!here->hooks->networks)
    return adze_error_new (ADZE_E_UNSUPPORTED, "there is no backend here to compute with");
  return here->hooks->networks (here->context, networks);
}

static adze_error *
here_give_part (void *data, const char *port, const char *id, const void *bytes, size_t size)
{
  const adze_run_here *here = data;
  return here->hooks->give_part (here->context, port, id, bytes, size);
}

static adze_error *
here_claim (void *data, const char *port, const char *tensor, const char *id, const adze_value *trait)
{
  const adze_run_here *here = data;
  return here->hooks->claim (here->context, port, tensor, id, trait);
}

/* What each of the workers would take in a run is not known otherwise than by what is ready here. */
static adze_error *
rehearse_jobs (adze_run_here *here, const adze_jobs_list *list)
{
  struct adze_networks *networks = NULL;
  if (!here->hooks->networks)
    return NULL;
  ADZE_TRY (here->hooks->networks (here->context, &networks));
  adze_networks_share_out (networks, adze_jobs_at_once (here->jobs, list));
  return NULL;
}

static adze_error *
here_jobs_begin (void *data, const adze_jobs_list *list, bool *rehearses)
{
  adze_run_here *here = data;
  *rehearses = here->hooks->rehearses;
  return *rehearses ? rehearse_jobs (here, list) : adze_jobs_begin (here->jobs, list);
}

static adze_error *
here_jobs_next (void *data, size_t *index, void **answer, size_t *size)
{
  const adze_run_here *here = data;
  return adze_jobs_next (here->jobs, index, answer, size);
}

static adze_error *
here_jobs_end (void *data)
{
  const adze_run_here *here = data;
  adze_jobs_stop (here->jobs);
  return NULL;
}

const adze_run_ops adze_run_ops_here = {
  here_input,       here_read_tensor, here_column, here_batches, here_batch,    here_bytes,
  here_give_tensor, here_give_bytes,  here_save,   here_load,    here_progress, here_model,
  here_networks,    here_give_part,   here_claim,  here_jobs_begin, here_jobs_next, here_jobs_end,
};

void
adze_run_here_cleanup (adze_run_here *here)
{
  free (here->batches);
  here->batches = NULL;
  here->batch_count = 0;
}
