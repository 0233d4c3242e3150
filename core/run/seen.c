/* SPDX-License-Identifier: Apache-2.0 */
/* run/seen.c: a file of accumulators. */
#include "run/seen.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "artifact/files.h"
#include "base/digest.h"

struct adze_seen {
  char *path;
  int fd;
  atomic_uint_fast64_t end;
};

adze_error *
adze_seen_open (const adze_folder *folder, adze_seen **seen)
{
  adze_seen *fresh = calloc (1, sizeof *fresh);
  struct stat status;
  if (!fresh)
    return adze_error_memory ();
  fresh->fd = -1;
  fresh->path = adze_text_format ("%s/seen", adze_folder_path_of (folder));
  adze_error *error = fresh->path ? NULL : adze_error_memory ();
  if (!error) {
    fresh->fd = open (fresh->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fresh->fd < 0 || fstat (fresh->fd, &status) != 0)
      error = adze_error_errno ("cannot open %s", fresh->path);
  }
  if (error) {
    adze_seen_close (fresh);
    return error;
  }
  atomic_init (&fresh->end, (uint64_t)status.st_size);
  *seen = fresh;
  return NULL;
}

void
adze_seen_close (adze_seen *seen)
{
  if (!seen)
    return;
  if (seen->fd >= 0)
    close (seen->fd);
  free (seen->path);
  free (seen);
}

adze_error *
adze_seen_put (adze_seen *seen, const void *data, size_t size, adze_hash128 *where)
{
  uint64_t offset = atomic_fetch_add (&seen->end, size);
  ADZE_TRY (adze_write_at (seen->fd, seen->path, offset, data, size));
  *where = (adze_hash128){ .low = offset, .high = adze_hash64 (data, size, size) };
  return NULL;
}

adze_error *
adze_seen_get (adze_seen *seen, adze_hash128 where, void *data, size_t size, bool *sound)
{
  struct stat status;
  *sound = false;
  if (fstat (seen->fd, &status) != 0)
    return adze_error_errno ("cannot look at %s", seen->path);
  if (where.low > (uint64_t)status.st_size || (uint64_t)status.st_size - where.low < size)
    return NULL;
  ADZE_TRY (adze_read_at (seen->fd, seen->path, where.low, data, size));
  *sound = adze_hash64 (data, size, size) == where.high;
  return NULL;
}
