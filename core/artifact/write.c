/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/write.c: one whole model into another file, a few pieces at a time. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "artifact/format.h"

/* What one thread has in hand; each has a buffer of this size, whatever the model's. */
#define PIECE ((uint64_t)8 << 20)

typedef struct copy {
  const adze_model *model;
  const adze_writer *writer;
  uint64_t *pieces_before; /* of each tensor: pieces of all those in front of it */
  void **buffers;          /* free ones */
  unsigned free_buffers;
  pthread_mutex_t lock;
  adze_error *error; /* the first */
} copy;

static void *
take_buffer (copy *work)
{
  pthread_mutex_lock (&work->lock);
  void *buffer = work->free_buffers ? work->buffers[--work->free_buffers] : NULL;
  pthread_mutex_unlock (&work->lock);
  return buffer ? buffer : malloc (PIECE);
}

/* A thread more than buffers were counted for brings none back, and none is lost. */
static void
give_buffer (copy *work, void *buffer, unsigned most)
{
  pthread_mutex_lock (&work->lock);
  if (work->free_buffers < most)
    work->buffers[work->free_buffers++] = adze_take (&buffer);
  pthread_mutex_unlock (&work->lock);
  free (buffer);
}

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
  uint64_t first = (piece - work->pieces_before[number]) * PIECE;
  uint64_t rest = tensor->meta.byte_size - first;
  size_t size = (size_t)(rest < PIECE ? rest : PIECE);
  adze_writer_place place = adze_writer_place_of (work->writer, number);
  ADZE_TRY (adze_model_read (work->model, tensor, first, buffer, size));
  ADZE_TRY (adze_write_at (place.fd, adze_writer_path_of (work->writer, number),
                           place.offset + first, buffer, size));
  return NULL;
}

enum { BUFFERS = 64, OWN_TAG = 64 };

static adze_status
copy_pieces (void *argument, size_t first, size_t last)
{
  copy *work = argument;
  void *buffer = take_buffer (work);
  adze_error *error = buffer ? NULL : adze_error_memory ();
  for (size_t piece = first; !error && piece < last; piece++)
    error = copy_piece (work, piece, buffer);
  if (buffer)
    give_buffer (work, buffer, BUFFERS);
  if (!error)
    return ADZE_OK;
  adze_status status = adze_error_status (error);
  pthread_mutex_lock (&work->lock);
  if (!work->error)
    work->error = adze_take (&error);
  pthread_mutex_unlock (&work->lock);
  adze_error_free (error);
  return status;
}

static uint64_t
count_pieces (copy *work)
{
  uint64_t pieces = 0;
  for (size_t i = 0; i < work->model->count; i++) {
    work->pieces_before[i] = pieces;
    pieces += (work->model->tensors[i].meta.byte_size + PIECE - 1) / PIECE;
  }
  return pieces;
}

static adze_error *
copy_all (adze_runtime *runtime, copy *work)
{
  work->pieces_before = calloc (work->model->count + 1, sizeof *work->pieces_before);
  work->buffers = calloc (BUFFERS, sizeof *work->buffers);
  if (!work->pieces_before || !work->buffers)
    return adze_error_memory ();
  uint64_t pieces = count_pieces (work);
  adze_status status
      = adze_pool_for (runtime->pool, NULL, (size_t)pieces, 1, copy_pieces, work);
  if (work->error)
    return adze_take (&work->error);
  return status == ADZE_OK ? NULL : adze_error_new (status, "the copying stopped");
}

static adze_error *
copy_tensors (adze_runtime *runtime, const adze_model *model, const adze_writer *writer)
{
  copy work = { .model = model, .writer = writer };
  pthread_mutex_init (&work.lock, NULL);
  adze_error *error = copy_all (runtime, &work);
  for (unsigned i = 0; i < work.free_buffers; i++)
    free (work.buffers[i]);
  free (work.buffers);
  free (work.pieces_before);
  pthread_mutex_destroy (&work.lock);
  return error;
}

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
  adze_error *error = copy_tensors (runtime, model, writer);
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
