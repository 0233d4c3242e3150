/* SPDX-License-Identifier: Apache-2.0 */
/* run/sink.c: files of outputs, and files of the store. */
#define _GNU_SOURCE 1
#include "run/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct adze_sink {
  adze_writer *writer; /* of an output; NULL: a file of the store */
  char *path, *part;
  int fd;
  uint64_t *offsets;
  bool committed;
};

/* Tensors of the store begin on a cache line's boundary. */
enum { STORE_ALIGNMENT = 64 };

static adze_error *
store_offsets (const adze_model *model, uint64_t **offsets, uint64_t *size)
{
  *offsets = malloc ((model->count + 1) * sizeof **offsets);
  if (!*offsets)
    return adze_error_memory ();
  *size = 0;
  for (size_t i = 0; i < model->count; i++) {
    (*offsets)[i] = *size;
    *size += (model->tensors[i].meta.byte_size + STORE_ALIGNMENT - 1) / STORE_ALIGNMENT
             * STORE_ALIGNMENT;
  }
  return NULL;
}

adze_error *
adze_sink_open_output (adze_runtime *runtime, const char *path,
                       const adze_format_options *options, const adze_model *model,
                       const char *tag, adze_resume resume, bool *resumed, adze_sink **sink)
{
  adze_sink *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  fresh->fd = -1;
  adze_error *error
      = adze_writer_open (runtime, path, options, model, tag, resume, resumed, &fresh->writer);
  if (error) {
    free (fresh);
    return error;
  }
  *sink = fresh;
  return NULL;
}

static adze_error *
open_part (adze_sink *sink, uint64_t size, adze_resume resume, bool *resumed)
{
  struct stat status;
  ADZE_AUTO_FREE char *folder = strndup (sink->path,
                                         (size_t)(adze_path_base (sink->path) - sink->path));
  if (!folder)
    return adze_error_memory ();
  ADZE_TRY (adze_folder_make (folder));
  if (resume == ADZE_RESUME_WHOLE) {
    sink->fd = open (sink->path, O_RDONLY | O_CLOEXEC);
    *resumed = sink->fd >= 0 && fstat (sink->fd, &status) == 0
               && (uint64_t)status.st_size == size;
    sink->committed = *resumed;
    if (*resumed)
      return NULL;
    if (sink->fd >= 0)
      close (sink->fd);
  }
  sink->fd = open (sink->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (sink->fd < 0 || fstat (sink->fd, &status) != 0)
    return adze_error_errno ("cannot open %s", sink->part);
  *resumed = size > 0 && (uint64_t)status.st_size == size;
  if (*resumed)
    return NULL;
  /* The room is taken at once: better now than after hours. */
  if (ftruncate (sink->fd, 0) != 0 || ftruncate (sink->fd, (off_t)size) != 0
      || (size > 0 && fallocate (sink->fd, 0, 0, (off_t)size) != 0 && errno != EOPNOTSUPP
          && errno != ENOSYS)) {
    adze_error *error = adze_error_errno ("cannot make %s %llu bytes long", sink->part,
                                          (unsigned long long)size);
    adze_error_setf (error, "needed", "%llu bytes of disk", (unsigned long long)size);
    return error;
  }
  return NULL;
}

adze_error *
adze_sink_open_store (const char *path, const adze_model *model, adze_resume resume, bool *resumed,
                      adze_sink **sink)
{
  uint64_t size = 0;
  adze_sink *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  fresh->fd = -1;
  fresh->path = strdup (path);
  fresh->part = adze_text_format ("%s.part", path);
  adze_error *error
      = fresh->path && fresh->part ? store_offsets (model, &fresh->offsets, &size)
                                   : adze_error_memory ();
  if (!error)
    error = open_part (fresh, size, resume, resumed);
  if (error) {
    adze_sink_close (fresh, false);
    return error;
  }
  *sink = fresh;
  return NULL;
}

adze_writer_place
adze_sink_place (const adze_sink *sink, size_t tensor)
{
  if (sink->writer)
    return adze_writer_place_of (sink->writer, tensor);
  return (adze_writer_place){ .fd = sink->fd, .offset = sink->offsets[tensor] };
}

adze_error *
adze_sink_commit (adze_sink *sink)
{
  if (sink->writer)
    ADZE_TRY (adze_writer_commit (sink->writer));
  else if (sink->committed)
    return NULL;
  else if (fsync (sink->fd) != 0)
    return adze_error_errno ("cannot sync %s", sink->part);
  else if (rename (sink->part, sink->path) != 0)
    return adze_error_errno ("cannot rename %s to %s", sink->part, sink->path);
  sink->committed = true;
  return NULL;
}

const char *
adze_sink_file (const adze_sink *sink, uint32_t index)
{
  if (sink->writer)
    return adze_writer_file (sink->writer, index);
  return index == 0 ? sink->path : NULL;
}

void
adze_sink_close (adze_sink *sink, bool keep)
{
  if (!sink)
    return;
  if (sink->writer)
    adze_writer_close (sink->writer, keep);
  if (sink->fd >= 0) {
    close (sink->fd);
    if (!sink->committed && !keep)
      unlink (sink->part);
  }
  free (sink->path);
  free (sink->part);
  free (sink->offsets);
  free (sink);
}

/* ---- Reading it back. */

static adze_error *
open_file (adze_model *stored, const char *path, uint64_t size)
{
  struct stat status;
  stored->files = calloc (1, sizeof *stored->files);
  if (!stored->files)
    return adze_error_memory ();
  stored->files[0].fd = -1;
  stored->file_count = 1;
  stored->files[0].path = strdup (path);
  if (!stored->files[0].path)
    return adze_error_memory ();
  ADZE_TRY (adze_file_open (path, &stored->files[0].fd, &status));
  stored->files[0].identity = adze_file_identity_of (&status);
  if ((uint64_t)status.st_size == size)
    return NULL;
  return adze_error_new (ADZE_E_FORMAT, "%s has %llu bytes; it was written with %llu", path,
                         (unsigned long long)status.st_size, (unsigned long long)size);
}

adze_error *
adze_store_open (const char *path, const adze_model *model, adze_model **stored)
{
  ADZE_AUTO_FREE uint64_t *offsets = NULL;
  ADZE_AUTO_MODEL fresh = NULL;
  uint64_t size;
  ADZE_TRY (store_offsets (model, &offsets, &size));
  ADZE_TRY (adze_model_new (&fresh));
  ADZE_TRY (open_file (fresh, path, size));
  for (size_t i = 0; i < model->count; i++) {
    adze_model_tensor *added;
    ADZE_TRY (adze_model_add (fresh, &model->tensors[i].meta, &added));
    added->file = 0;
    added->offset = offsets[i];
  }
  ADZE_TRY (adze_model_copy_parts (model, fresh));
  *stored = adze_take (&fresh);
  return NULL;
}
