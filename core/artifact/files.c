/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/files.c: adze.file/1, and reading and writing at a place. */
#include "artifact/files.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "plugin/host_table.h"

/* ---- At a place. */

static adze_error *
at_error (adze_error *error, const char *path, uint64_t offset)
{
  adze_error_set (error, "file", path);
  adze_error_setf (error, "place", "byte %" PRIu64, offset);
  return error;
}

/* Offsets beyond what the system counts in are refused here, since a negative one means something
 * else to it. */
static adze_error *
check_reach (const char *path, uint64_t offset, size_t size)
{
  if (offset <= INT64_MAX && size <= INT64_MAX - offset)
    return NULL;
  return at_error (adze_error_new (ADZE_E_FORMAT, "byte %" PRIu64 " of %s is beyond any file", offset,
                                   path),
                   path, offset);
}

static adze_error *
ended_early (const char *path, uint64_t end, uint64_t wanted)
{
  adze_error *error = at_error (adze_error_new (ADZE_E_FORMAT,
                                                "%s ends at byte %" PRIu64 ", and bytes up to %" PRIu64
                                                " are needed",
                                                path, end, wanted),
                                path, end);
  adze_error_setf (error, "needed", "%" PRIu64 " bytes", wanted);
  adze_error_setf (error, "found", "%" PRIu64 " bytes", end);
  return error;
}

adze_error *
adze_read_at (int fd, const char *path, uint64_t offset, void *buffer, size_t size)
{
  ADZE_TRY (check_reach (path, offset, size));
  uint64_t end = offset + size;
  char *into = buffer;
  while (offset < end) {
    ssize_t got = pread (fd, into, (size_t)(end - offset), (off_t)offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return at_error (adze_error_errno ("cannot read %s at byte %" PRIu64, path, offset), path,
                       offset);
    if (got == 0)
      return ended_early (path, offset, end);
    into += got;
    offset += (uint64_t)got;
  }
  return NULL;
}

adze_error *
adze_write_at (int fd, const char *path, uint64_t offset, const void *buffer, size_t size)
{
  ADZE_TRY (check_reach (path, offset, size));
  uint64_t end = offset + size;
  const char *from = buffer;
  while (offset < end) {
    ssize_t put = pwrite (fd, from, (size_t)(end - offset), (off_t)offset);
    if (put < 0 && errno == EINTR)
      continue;
    /* A write that takes nothing of a regular file would otherwise be tried for ever. */
    if (put == 0)
      errno = EIO;
    if (put <= 0)
      return at_error (adze_error_errno ("cannot write %s at byte %" PRIu64, path, offset), path,
                       offset);
    from += put;
    offset += (uint64_t)put;
  }
  return NULL;
}

/* ---- The set. */

static void
free_file (adze_file *file)
{
  if (!file)
    return;
  if (file->fd >= 0)
    close (file->fd);
  free (file->path);
  free (file->real);
  free (file);
}

void
adze_files_cleanup (adze_files *files)
{
  for (size_t i = 0; i < files->count; i++)
    free_file (files->files[i]);
  free (files->files);
  for (size_t i = 0; i < files->alias_count; i++)
    free (files->aliases[i].name);
  free (files->aliases);
  adze_name_index_cleanup (&files->alias_names);
  *files = (adze_files){ 0 };
}

bool
adze_files_has (const adze_files *files, const adze_file *file)
{
  return file && file->number < files->count && files->files[file->number] == file;
}

static bool
make_room (adze_files *files)
{
  if (files->count < files->capacity)
    return true;
  size_t capacity = files->capacity ? files->capacity * 2 : 4;
  adze_file **grown = reallocarray (files->files, capacity, sizeof (adze_file *));
  if (!grown)
    return false;
  files->files = grown;
  files->capacity = capacity;
  return true;
}

static adze_file *
known (const adze_files *files, const char *real)
{
  for (size_t i = 0; i < files->count; i++)
    if (strcmp (files->files[i]->real, real) == 0)
      return files->files[i];
  return NULL;
}

/* NAMED is for messages, REAL is what is opened. */
static adze_error *
add_file (adze_files *files, const char *named, const char *real, adze_file **file)
{
  *file = known (files, real);
  if (*file)
    return NULL;
  adze_file *fresh = make_room (files) ? calloc (1, sizeof *fresh) : NULL;
  if (!fresh)
    return adze_error_memory ();
  struct stat status;
  adze_error *error = adze_file_open (real, &fresh->fd, &status);
  if (!error) {
    fresh->path = strdup (named);
    fresh->real = strdup (real);
    if (!fresh->path || !fresh->real)
      error = adze_error_memory ();
  }
  if (error) {
    free_file (fresh);
    return error;
  }
  fresh->size = (uint64_t)status.st_size;
  fresh->identity = adze_file_identity_of (&status);
  fresh->number = files->count;
  files->files[files->count++] = *file = fresh;
  return NULL;
}

static adze_error *
no_such_file (const char *path)
{
  adze_error *error = adze_error_errno ("cannot open %s", path);
  adze_error_set (error, "file", path);
  return error;
}

adze_error *
adze_files_open (adze_files *files, const char *path, adze_file **file)
{
  *file = NULL;
  ADZE_AUTO_FREE char *real = realpath (path, NULL);
  if (!real)
    return no_such_file (path);
  return add_file (files, path, real, file);
}

/* ---- Beside another. */

/* Has PATH a component ".."? */
static bool
climbs (const char *path)
{
  for (const char *at = path; at; at = strchr (at, '/')) {
    at += *at == '/';
    if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || at[2] == '\0'))
      return true;
  }
  return false;
}

static adze_error *
refuse_beside (const adze_file *file, const char *name, const char *why)
{
  ADZE_AUTO (adze_buffer) shown = { 0 };
  adze_buffer_quoted (&shown, name, strlen (name));
  adze_error *error = adze_error_new (ADZE_E_TRUST, "%s refers to the file %s, which %s", file->path,
                                      shown.data ? shown.data : "?", why);
  adze_error_set (error, "file", file->path);
  adze_error_set (error, "needed", "a name in the folder of the file that refers to it, or below");
  adze_error_set (error, "found", name);
  adze_error_set (error, "hint",
                  "if you trust the model, put the file itself (no link) into its folder; a link out "
                  "of it is followed only from snapshots/REVISION to blobs/HASH beside snapshots, as "
                  "in the cache of Hugging Face");
  return error;
}

/* Formats ask for the same file again for each of its tensors, and a million of those may name it in
 * as many ways: "w", "./w", ".//w". So what means nothing is left out. What a name ends in stays: there
 * is no file "w/". */
static char *
plain_name (const char *name)
{
  char *plain = malloc (strlen (name) + 1), *to = plain;
  if (!plain)
    return NULL;
  while (*name) {
    while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
      name += name[0] == '/' ? 1 : 2;
    while (*name && *name != '/')
      *to++ = *name++;
    if (*name == '/')
      *to++ = '/';
  }
  *to = '\0';
  return plain;
}

typedef struct asked {
  const adze_files *files;
  size_t base;
} asked;

static bool
same_alias (const void *things, size_t number, const char *name, size_t size)
{
  const asked *at = things;
  const adze_file_alias *alias = &at->files->aliases[number];
  return alias->base == at->base && strncmp (alias->name, name, size) == 0
         && alias->name[size] == '\0';
}

static adze_file *
asked_before (const adze_files *files, const adze_file *file, const char *name)
{
  asked at = { files, file->number };
  size_t number
      = adze_name_index_find (&files->alias_names, name, strlen (name), same_alias, &at);
  return number == ADZE_NAME_NONE ? NULL : files->aliases[number].file;
}

static adze_error *
add_alias (adze_files *files, const adze_file *file, const char *name, adze_file *other)
{
  asked at = { files, file->number };
  if (files->alias_count == files->alias_capacity) {
    size_t capacity = files->alias_capacity ? files->alias_capacity * 2 : 4;
    adze_file_alias *grown = reallocarray (files->aliases, capacity, sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    files->aliases = grown;
    files->alias_capacity = capacity;
  }
  adze_file_alias fresh = { strdup (name), file->number, other };
  if (!fresh.name)
    return adze_error_memory ();
  files->aliases[files->alias_count++] = fresh;
  size_t earlier;
  return adze_name_index_add (&files->alias_names, name, strlen (name), files->alias_count - 1,
                              same_alias, &at, &earlier);
}

/* FOLDER without a slash at its end, of LENGTH. */
static bool
lies_in (const char *real, const char *folder, size_t length)
{
  return strncmp (real, folder, length) == 0 && real[length] == '/';
}

/* The cache of Hugging Face has in snapshots/REVISION nothing but links, to blobs/HASH beside snapshots: what
 * is there is the cache's own, and was loaded as part of this model or of an earlier revision of it. FOLDER and
 * REAL have no links in them. */
static bool
is_blob_of (const char *folder, const char *real)
{
  static const char snapshots[] = "/snapshots/", blobs[] = "/blobs/";
  const char *last = NULL;
  for (const char *at = folder; (at = strstr (at, snapshots)); at++)
    last = at;
  if (!last || !last[sizeof snapshots - 1])
    return false;
  size_t length = (size_t)(last - folder);
  const char *blob = real + length + sizeof blobs - 1;
  return strncmp (real, folder, length) == 0
         && strncmp (real + length, blobs, sizeof blobs - 1) == 0 && !strchr (blob, '/');
}

static adze_error *
open_beside (adze_files *files, const adze_file *file, const char *name, adze_file **other)
{
  int folder_length = (int)(adze_path_base (file->path) - file->path);
  ADZE_AUTO_FREE char *folder
      = folder_length > 0 ? strndup (file->path, (size_t)folder_length) : strdup ("./");
  ADZE_AUTO_FREE char *path = folder ? adze_text_format ("%s%s", folder, name) : NULL;
  if (!path)
    return adze_error_memory ();
  ADZE_AUTO_FREE char *real_folder = realpath (folder, NULL);
  if (!real_folder)
    return no_such_file (folder);
  ADZE_AUTO_FREE char *real = realpath (path, NULL);
  if (!real) {
    adze_error *error = no_such_file (path);
    return adze_error_wrap (error, "%s refers to a file that is not there", file->path);
  }
  size_t length = strlen (real_folder);
  length = strcmp (real_folder, "/") == 0 ? 0 : length;
  if (!lies_in (real, real_folder, length) && !is_blob_of (real_folder, real))
    return refuse_beside (file, name, "leads out of its folder by a link");
  ADZE_TRY (add_file (files, path, real, other));
  return add_alias (files, file, name, *other);
}

adze_error *
adze_files_beside (adze_files *files, const adze_file *file, const char *name, adze_file **other)
{
  *other = NULL;
  if (name[0] == '\0')
    return refuse_beside (file, name, "has no name");
  if (name[0] == '/')
    return refuse_beside (file, name, "is named by an absolute path");
  if (climbs (name))
    return refuse_beside (file, name, "is named by a path with '..' in it");
  ADZE_AUTO_FREE char *plain = plain_name (name);
  if (!plain)
    return adze_error_memory ();
  *other = asked_before (files, file, plain);
  return *other ? NULL : open_beside (files, file, plain, other);
}

/* ---- adze.file/1 */

static adze_files *
files_of (const adze_host *host)
{
  return adze_desk_own (adze_desk_of (host));
}

/* May the component ask for FUNCTION, and of this file? */
static bool
allowed (const adze_host *host, const adze_file *file, const char *function)
{
  if (!adze_desk_inside (adze_desk_of (host), function))
    return false;
  if (adze_files_has (files_of (host), file))
    return true;
  adze_desk_broken ("it called %s with a file that it has not open", function);
  return false;
}

static adze_status
answer (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

static adze_status
file_open (const adze_host *host, const char *path, adze_file **file)
{
  *file = NULL;
  if (!adze_desk_inside (adze_desk_of (host), ADZE_FILE " open"))
    return ADZE_E_CONTRACT;
  if (!path || path[0] != '/') {
    adze_desk_broken ("it opened the file '%s', which is no absolute path", path ? path : "(null)");
    return ADZE_E_CONTRACT;
  }
  return answer (host, adze_files_open (files_of (host), path, file));
}

static adze_status
file_beside (const adze_host *host, adze_file *file, const char *name, adze_file **other)
{
  *other = NULL;
  if (!allowed (host, file, ADZE_FILE " beside"))
    return ADZE_E_CONTRACT;
  if (!name) {
    adze_desk_broken ("it asked for a file without a name");
    return ADZE_E_CONTRACT;
  }
  return answer (host, adze_files_beside (files_of (host), file, name, other));
}

static uint64_t
file_size (const adze_host *host, const adze_file *file)
{
  return allowed (host, file, ADZE_FILE " size") ? file->size : 0;
}

static const char *
file_name (const adze_host *host, const adze_file *file)
{
  return allowed (host, file, ADZE_FILE " name") ? file->path : "?";
}

static adze_status
file_read (const adze_host *host, adze_file *file, uint64_t offset, void *buffer, size_t size)
{
  if (!allowed (host, file, ADZE_FILE " read"))
    return ADZE_E_CONTRACT;
  /* Bodies of adze.parallel may read, too. */
  __atomic_fetch_add (&files_of (host)->bytes_read, size, __ATOMIC_RELAXED);
  return answer (host, adze_read_at (file->fd, file->path, offset, buffer, size));
}

const adze_file_service adze_files_service = { .struct_size = sizeof adze_files_service,
                                               .open = file_open,
                                               .beside = file_beside,
                                               .size = file_size,
                                               .name = file_name,
                                               .read = file_read };
