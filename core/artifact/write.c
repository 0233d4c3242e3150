/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/write.c: one whole model into another file, a few pieces at a time. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "artifact/format.h"

typedef struct copy {
  const adze_model *model;
  const adze_writer *writer;
  uint64_t *pieces_before; /* of each tensor: pieces of all those in front of it */
  uint64_t pieces;
  atomic_uint_fast64_t next;
  atomic_bool stop;
  pthread_mutex_t lock;
  adze_error *error; /* the first */
} copy;

/* The tensor that piece number PIECE belongs to. */
static size_t
tensor_of (const copy *work, uint64_t piece)
{
  size_t low = 0, high = work->model->count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (work->pieces_before[middle] <= piece)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static adze_error *
copy_piece (copy *work, uint64_t piece, void *buffer)
{
  size_t number = tensor_of (work, piece);
  const adze_model_tensor *tensor = &work->model->tensors[number];
  uint64_t first = (piece - work->pieces_before[number]) * ADZE_COPY_PIECE;
  uint64_t rest = tensor->meta.byte_size - first;
  size_t size = (size_t)(rest < ADZE_COPY_PIECE ? rest : ADZE_COPY_PIECE);
  adze_writer_place place = adze_writer_place_of (work->writer, number);
  ADZE_TRY (adze_model_read (work->model, tensor, first, buffer, size));
  return adze_write_at (place.fd, adze_writer_path_of (work->writer, number), place.offset + first,
                        buffer, size);
}

static adze_error *
copy_until_done (copy *work)
{
  ADZE_AUTO_FREE void *buffer = malloc (ADZE_COPY_PIECE);
  if (!buffer)
    return adze_error_memory ();
  while (!atomic_load (&work->stop)) {
    uint64_t piece = atomic_fetch_add (&work->next, 1);
    if (piece >= work->pieces)
      return NULL;
    ADZE_TRY (copy_piece (work, piece, buffer));
  }
  return NULL;
}

/* The first failure counts, and everybody stops. */
static adze_status
run_lanes (void *argument, size_t first, size_t last)
{
  copy *work = argument;
  for (size_t i = first; i < last; i++) {
    adze_error *error = copy_until_done (work);
    if (!error)
      continue;
    atomic_store (&work->stop, true);
    pthread_mutex_lock (&work->lock);
    if (!work->error)
      work->error = adze_take (&error);
    pthread_mutex_unlock (&work->lock);
    adze_error_free (error);
  }
  return ADZE_OK;
}

static void
count_pieces (copy *work)
{
  for (size_t i = 0; i < work->model->count; i++) {
    work->pieces_before[i] = work->pieces;
    work->pieces += (work->model->tensors[i].meta.byte_size + ADZE_COPY_PIECE - 1)
                    / ADZE_COPY_PIECE;
  }
}

static adze_error *
copy_all (adze_runtime *runtime, unsigned lanes, copy *work)
{
  work->pieces_before = calloc (work->model->count + 1, sizeof *work->pieces_before);
  if (!work->pieces_before)
    return adze_error_memory ();
  count_pieces (work);
  if (work->pieces < lanes)
    lanes = (unsigned)work->pieces;
  adze_status status = adze_pool_for (runtime->pool, NULL, lanes, 1, run_lanes, work);
  if (work->error)
    return adze_take (&work->error);
  return status == ADZE_OK ? NULL : adze_error_new (status, "the copying stopped");
}

static adze_error *
copy_tensors (adze_runtime *runtime, const adze_model *model, unsigned lanes,
              const adze_writer *writer)
{
  copy work = { .model = model, .writer = writer };
  pthread_mutex_init (&work.lock, NULL);
  adze_error *error = copy_all (runtime, lanes ? lanes : adze_pool_threads (runtime->pool), &work);
  free (work.pieces_before);
  pthread_mutex_destroy (&work.lock);
  return error;
}

enum { OWN_TAG = 64 };

/* Another program that writes the same file must not meet our temporary one. */
static void
own_tag (char tag[OWN_TAG])
{
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  snprintf (tag, OWN_TAG, "%ld-%llx", (long)getpid (),
            (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec);
}

adze_error *
adze_model_write (adze_runtime *runtime, const adze_model *model, const char *path,
                  const adze_format_options *options)
{
  char own[OWN_TAG];
  adze_writer *writer;
  own_tag (own);
  ADZE_TRY (adze_writer_open (runtime, path, options, model,
                              options && options->tag ? options->tag : own, ADZE_RESUME_NOT, NULL,
                              &writer));
  adze_error *error = copy_tensors (runtime, model, options ? options->lanes : 0, writer);
  if (!error) /* and before it has its name */
    error = adze_model_stands (model, NULL);
  if (error)
    error = adze_error_wrap (error, "cannot write the model %s", path);
  if (!error)
    error = adze_writer_commit (writer);
  if (!error && options && options->written)
    *options->written = writer;
  else
    adze_writer_close (writer, false);
  return error;
}
