/* SPDX-License-Identifier: Apache-2.0 */
/* run/append.c: files that only grow. See append.h. */
#include "run/append.h"

#include <errno.h>
#include <fcntl.h>

static adze_error *
complaint (const char *what, const adze_append *append)
{
  adze_error *error = adze_error_errno ("cannot %s %s", what, append->path);
  adze_error_set (error, "file", append->path);
  return error;
}

static adze_error *
look_at_end (adze_append *append)
{
  struct stat status;
  char last = '\n';
  if (fstat (append->fd, &status) != 0)
    return complaint ("look at", append);
  if (status.st_size > 0 && pread (append->fd, &last, 1, status.st_size - 1) < 0)
    return complaint ("read", append);
  append->broken = last != '\n';
  return NULL;
}

adze_error *
adze_append_open (const char *folder, const char *name, adze_append *append)
{
  *append = (adze_append)ADZE_APPEND_INIT;
  append->path = adze_text_format ("%s/%s", folder, name);
  if (!append->path)
    return adze_error_memory ();
  append->fd = open (append->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
  adze_error *error = append->fd < 0 ? complaint ("open", append) : look_at_end (append);
  if (error)
    adze_append_close (append);
  return error;
}

void
adze_append_close (adze_append *append)
{
  if (append->fd >= 0)
    close (append->fd);
  free (append->path);
  *append = (adze_append)ADZE_APPEND_INIT;
}

/* Remembers what the file ends in, however far this gets. */
static adze_error *
put (adze_append *append, const char *bytes, size_t size)
{
  while (size > 0) {
    ssize_t written = write (append->fd, bytes, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written == 0)
      errno = EIO;
    if (written <= 0)
      return complaint ("write", append);
    append->broken = bytes[written - 1] != '\n';
    bytes += written;
    size -= (size_t)written;
  }
  return NULL;
}

adze_error *
adze_append_write (adze_append *append, const char *lines, size_t size)
{
  if (append->broken)
    ADZE_TRY (put (append, "\n", 1));
  return put (append, lines, size);
}
