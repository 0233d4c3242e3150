/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/writer.c: files that appear whole: made beside their names, filled by whoever has the
 * bytes, synced, renamed. */
#define _GNU_SOURCE 1 /* fallocate: posix_fallocate writes zeros where the system cannot do it */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "artifact/layout.h"

typedef struct output {
  char *final;
  char *temporary;
  int fd;
  uint64_t size;
  bool made;    /* the temporary file is there, and ours */
  bool renamed; /* it has its name */
} output;

struct adze_writer {
  char *path;
  char *folder;
  output *outputs;
  uint32_t count;
  adze_layout_place *places;
  adze_guard *guard; /* NULL: none */
  bool withdrawn;    /* an older file that had the name of number 0 was taken away */
};

static adze_error *
complaint (const char *what, const char *path)
{
  adze_error *error = adze_error_errno ("cannot %s %s", what, path);
  adze_error_set (error, "file", path);
  return error;
}

/* ---- Temporary files. */

static adze_error *
open_fresh (output *out)
{
  if (unlink (out->temporary) != 0 && errno != ENOENT)
    return complaint ("remove the old", out->temporary);
  out->fd = open (out->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (out->fd < 0)
    return complaint ("make", out->temporary);
  out->made = true;
  return NULL;
}

/* All of the room at once: a disk that is too full says so now, not after hours of work. */
static adze_error *
take_room (const output *out)
{
  int result;
  if (out->size > 0) {
    do
      result = fallocate (out->fd, 0, 0, (off_t)out->size);
    while (result != 0 && errno == EINTR);
    if (result == 0)
      return NULL;
    if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) {
      adze_error *error = complaint ("take the room for", out->temporary);
      adze_error_setf (error, "needed", "%" PRIu64 " bytes", out->size);
      return error;
    }
  }
  do
    result = ftruncate (out->fd, (off_t)out->size);
  while (result != 0 && errno == EINTR);
  return result == 0 ? NULL : complaint ("set the length of", out->temporary);
}

static adze_error *
write_literals (const output *out, const adze_layout_file *file)
{
  for (size_t i = 0; i < file->piece_count; i++) {
    const adze_layout_piece *piece = &file->pieces[i];
    ADZE_TRY (adze_write_at (out->fd, out->temporary, piece->offset,
                             file->literals.data + piece->at, piece->size));
  }
  return NULL;
}

static adze_error *
make_fresh (output *out, const adze_layout_file *file)
{
  ADZE_TRY (open_fresh (out));
  ADZE_TRY (take_room (out));
  return write_literals (out, file);
}

/* ---- Taking over what an earlier attempt left. */

static bool
same_bytes (const output *out, const adze_layout_file *file, const adze_layout_piece *piece)
{
  enum { STRETCH = 65536 };
  char found[STRETCH];
  for (size_t done = 0; done < piece->size;) {
    size_t size = piece->size - done < STRETCH ? piece->size - done : STRETCH;
    ADZE_AUTO_ERROR error
        = adze_read_at (out->fd, out->temporary, piece->offset + done, found, size);
    if (error || memcmp (found, file->literals.data + piece->at + done, size) != 0)
      return false;
    done += size;
  }
  return true;
}

/* Is the file that lies there one of this very layout? ADOPT: it may have its name already, and is
 * then only to be read. */
static bool
try_old (output *out, const adze_layout_file *file, bool adopt)
{
  struct stat status;
  out->fd = open (out->temporary, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (out->fd < 0 && adopt) {
    out->fd = open (out->final, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    out->renamed = out->fd >= 0;
  }
  if (out->fd < 0)
    return false;
  bool same = fstat (out->fd, &status) == 0 && S_ISREG (status.st_mode)
              && (uint64_t)status.st_size == out->size;
  for (size_t i = 0; same && i < file->piece_count; i++)
    same = same_bytes (out, file, &file->pieces[i]);
  if (!same) {
    close (out->fd);
    out->fd = -1;
    out->renamed = false;
  }
  out->made = same && !out->renamed;
  return same;
}

static bool
try_all_old (adze_writer *writer, const adze_layout *layout, bool adopt)
{
  for (uint32_t i = 0; i < writer->count; i++)
    if (!try_old (&writer->outputs[i], &layout->files[i], adopt))
      return false;
  return true;
}

static void
let_go (output *out)
{
  if (out->fd >= 0)
    close (out->fd);
  out->fd = -1;
}

static adze_error *
make_files (adze_writer *writer, const adze_layout *layout, adze_resume resume, bool *resumed)
{
  *resumed = resume != ADZE_RESUME_NOT
             && try_all_old (writer, layout, resume == ADZE_RESUME_WHOLE);
  if (*resumed)
    return NULL;
  for (uint32_t i = 0; i < writer->count; i++) {
    let_go (&writer->outputs[i]);
    writer->outputs[i].renamed = false;
    ADZE_TRY (make_fresh (&writer->outputs[i], &layout->files[i]));
  }
  return NULL;
}

/* ---- Opening. */

static adze_error *
split_path (const char *path, adze_writer *writer)
{
  size_t length = (size_t)(adze_path_base (path) - path);
  while (length > 1 && path[length - 1] == '/')
    length--;
  writer->path = strdup (path);
  writer->folder = length ? strndup (path, length) : strdup (".");
  return writer->path && writer->folder ? NULL : adze_error_memory ();
}

/* What could not be renamed at the end is refused at the beginning. */
adze_error *
adze_target_check (const char *path, size_t tag_size)
{
  struct stat status;
  adze_error *error = NULL;
  const char *name = adze_path_base (path);
  size_t length = strlen (name), most = NAME_MAX - (sizeof "...part" - 1) - tag_size;
  if (!name[0] || strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    error = adze_error_new (ADZE_E_IO, "%s is no name that a file can have", path);
  else if (length > most)
    error = adze_error_new (ADZE_E_IO,
                            "the name of %s is too long: it has %zu bytes, and can have %zu, since "
                            "the file has a longer one until it is complete",
                            path, length, most);
  else if (stat (path, &status) == 0 && !S_ISREG (status.st_mode))
    error = adze_error_new (ADZE_E_IO, "%s is %s, and a file is to be written there", path,
                            adze_file_kind (status.st_mode));
  if (error)
    adze_error_set (error, "file", path);
  return error;
}

static adze_error *
name_outputs (adze_writer *writer, const adze_layout *layout, const char *tag)
{
  writer->outputs = calloc (layout->file_count, sizeof *writer->outputs);
  if (!writer->outputs)
    return adze_error_memory ();
  writer->count = layout->file_count;
  for (uint32_t i = 0; i < writer->count; i++)
    writer->outputs[i].fd = -1;
  for (uint32_t i = 0; i < writer->count; i++) {
    output *out = &writer->outputs[i];
    const char *name = layout->files[i].name;
    const char *slash = strcmp (writer->folder, "/") == 0 ? "" : "/";
    out->size = layout->files[i].length;
    out->final = adze_text_format ("%s%s%s", writer->folder, slash, name);
    out->temporary = adze_text_format ("%s%s.%s.%s.part", writer->folder, slash, name, tag);
    if (!out->final || !out->temporary)
      return adze_error_memory ();
    ADZE_TRY (adze_target_check (out->final, strlen (tag)));
  }
  return NULL;
}

/* The names are this model's from now on, and none of them is that of a file that is read. */
static adze_error *
claim_names (adze_writer *writer)
{
  adze_guard *guard = writer->guard;
  for (uint32_t i = 0; guard && i < writer->count; i++)
    ADZE_TRY (adze_guard_claim (guard, writer->outputs[i].final, writer->path));
  for (uint32_t i = 0; guard && guard->note && i < writer->count; i++)
    ADZE_TRY (guard->note (guard->context, writer->outputs[i].temporary));
  return NULL;
}

static adze_error *
check_tensors (adze_format_session *session, const adze_model *model)
{
  for (size_t i = 0; i < model->count; i++)
    ADZE_TRY (adze_session_carries (session, &model->tensors[i].meta));
  return NULL;
}

static adze_error *
fill_writer (adze_format_session *session, const adze_model *model, const char *tag,
             adze_resume resume, bool *resumed, adze_writer *writer)
{
  adze_layout *layout;
  ADZE_TRY (check_tensors (session, model));
  ADZE_TRY (adze_layout_make (session, model, adze_path_base (writer->path), &layout));
  writer->places = adze_take (&layout->places);
  adze_error *error = name_outputs (writer, layout, tag);
  if (!error)
    error = adze_folder_make (writer->folder);
  if (!error)
    error = claim_names (writer);
  if (!error)
    error = make_files (writer, layout, resume, resumed);
  adze_layout_free (layout);
  return error;
}

static adze_error *
open_writer (adze_runtime *runtime, const adze_format_options *options, const adze_model *model,
             const char *tag, adze_resume resume, bool *resumed, adze_writer *writer)
{
  const char *format = options ? options->format : NULL;
  adze_format_session session;
  writer->guard = options ? options->guard : NULL;
  ADZE_TRY (adze_target_check (writer->path, strlen (tag)));
  if (!format)
    ADZE_TRY (adze_format_for_path (runtime, writer->path, &format));
  ADZE_TRY (adze_session_open (runtime, format, options, &session));
  adze_error *error = fill_writer (&session, model, tag, resume, resumed, writer);
  adze_session_close (&session);
  return error;
}

adze_error *
adze_writer_open (adze_runtime *runtime, const char *path, const adze_format_options *options,
                  const adze_model *model, const char *tag, adze_resume resume,
                  bool *resumed, adze_writer **writer)
{
  bool taken_over = false;
  *writer = NULL;
  ADZE_LOCKED (runtime);
  adze_writer *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  adze_error *error = split_path (path, fresh);
  if (!error)
    error = open_writer (runtime, options, model, tag, resume, &taken_over, fresh);
  if (resumed)
    *resumed = taken_over;
  if (!error) {
    *writer = fresh;
    return NULL;
  }
  adze_writer_close (fresh, resume != ADZE_RESUME_NOT);
  bool placed = adze_error_fact (error, "file") != NULL;
  error = adze_error_wrap (error, "cannot write the model %s", path);
  if (!placed)
    adze_error_set (error, "file", path);
  return error;
}

/* ---- Using one. */

adze_writer_place
adze_writer_place_of (const adze_writer *writer, size_t tensor)
{
  const adze_layout_place *place = &writer->places[tensor];
  return (adze_writer_place){ writer->outputs[place->file].fd, place->offset };
}

const char *
adze_writer_path_of (const adze_writer *writer, size_t tensor)
{
  return writer->outputs[writer->places[tensor].file].temporary;
}

const char *
adze_writer_file (const adze_writer *writer, uint32_t index)
{
  return index < writer->count ? writer->outputs[index].final : NULL;
}

uint64_t
adze_writer_size (const adze_writer *writer)
{
  uint64_t size = 0;
  for (uint32_t i = 0; i < writer->count; i++)
    size += writer->outputs[i].size;
  return size;
}

/* ---- Becoming whole. */

static adze_error *
sync_output (output *out)
{
  int result;
  do
    result = fsync (out->fd);
  while (result != 0 && errno == EINTR);
  if (result != 0)
    return complaint ("sync", out->temporary);
  /* Network file systems report a full disk here. After EINTR the descriptor is gone all the same. */
  result = close (out->fd);
  out->fd = -1;
  return result == 0 || errno == EINTR ? NULL : complaint ("close", out->temporary);
}

static adze_error *
sync_folder (const char *folder)
{
  ADZE_AUTO_FD int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return complaint ("open the folder", folder);
  /* Some file systems cannot sync a folder; there is nothing more to be done on those. */
  if (fsync (fd) != 0 && errno != EINVAL && errno != EOPNOTSUPP)
    return complaint ("sync the folder", folder);
  return NULL;
}

/* A step that failed behind others that did not: whoever reads it has to know which is which. */
static adze_error *
say_renamed (const adze_writer *writer, adze_error *error)
{
  ADZE_AUTO (adze_buffer) names = { 0 };
  for (uint32_t i = 0; i < writer->count; i++)
    if (writer->outputs[i].renamed)
      adze_buffer_format (&names, "%s%s", names.size ? ", " : "", writer->outputs[i].final);
  const char *found = names.size ? names.data : "none";
  if (writer->withdrawn)
    error = adze_error_wrap (error, "the old %s was taken away, so that nobody reads old and new "
                             "files as one model, and the new one has not come; of its other files "
                             "these are new and complete: %s",
                             writer->outputs[0].final, found);
  else if (names.size)
    error = adze_error_wrap (error, "of the files of %s, these are new and complete: %s; all others "
                             "are as they were before", writer->path, found);
  else
    return error;
  adze_error_set (error, "found", found);
  adze_error_set (error, "hint", "write it once more: a run goes on where this one ended");
  return error;
}

static adze_error *
rename_output (output *out)
{
  if (rename (out->temporary, out->final) != 0) {
    adze_error *error = adze_error_errno ("cannot rename %s to %s", out->temporary, out->final);
    adze_error_set (error, "file", out->final);
    return error;
  }
  out->renamed = true;
  return NULL;
}

/* Number 0 leads to all others: an older one must not lead to new ones, whenever the machine stops. */
static adze_error *
withdraw_old (adze_writer *writer)
{
  const char *final = writer->outputs[0].final;
  if (unlink (final) == 0)
    writer->withdrawn = true;
  else if (errno != ENOENT)
    return complaint ("take away the old", final);
  return sync_folder (writer->folder);
}

static adze_error *
name_others (adze_writer *writer)
{
  ADZE_TRY (withdraw_old (writer));
  for (uint32_t i = 1; i < writer->count; i++)
    if (!writer->outputs[i].renamed)
      ADZE_TRY (rename_output (&writer->outputs[i]));
  return sync_folder (writer->folder);
}

static adze_error *
name_all (adze_writer *writer)
{
  if (!writer->outputs[0].renamed) {
    if (writer->count > 1)
      ADZE_TRY (name_others (writer));
    ADZE_TRY (rename_output (&writer->outputs[0]));
    writer->withdrawn = false;
  }
  return sync_folder (writer->folder);
}

/* Much may have happened since the names were chosen. Nothing has been named yet. */
static adze_error *
check_names (const adze_writer *writer)
{
  for (uint32_t i = 0; writer->guard && i < writer->count; i++)
    if (!writer->outputs[i].renamed)
      ADZE_TRY (adze_guard_check (writer->guard, writer->outputs[i].final, writer->path));
  return NULL;
}

static adze_error *
commit (adze_writer *writer)
{
  ADZE_TRY (check_names (writer));
  for (uint32_t i = 0; i < writer->count; i++)
    if (writer->outputs[i].fd >= 0)
      ADZE_TRY (sync_output (&writer->outputs[i]));
  adze_error *error = name_all (writer);
  return error ? say_renamed (writer, error) : NULL;
}

adze_error *
adze_writer_commit (adze_writer *writer)
{
  adze_error *error = commit (writer);
  return error ? adze_error_wrap (error, "cannot write the model %s", writer->path) : NULL;
}

void
adze_writer_close (adze_writer *writer, bool keep)
{
  if (!writer)
    return;
  for (uint32_t i = 0; i < writer->count; i++) {
    output *out = &writer->outputs[i];
    let_go (out);
    if (out->made && !out->renamed && !keep)
      unlink (out->temporary);
    free (out->final);
    free (out->temporary);
  }
  free (writer->outputs);
  free (writer->places);
  free (writer->folder);
  free (writer->path);
  free (writer);
}
